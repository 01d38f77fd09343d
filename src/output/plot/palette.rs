//! Colours. One cohort of pods: Okabe and Ito's eight colours, which people with colour-vision deficiencies tell apart
//! (jfly.uni-koeln.de/color), then darker and lighter shades of them. Several cohorts (a rollout's old and new pods): a hue
//! per cohort, blue and orange first since that pair is safe for all, and a lightness per pod.

use std::fmt;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The sheet.
pub(super) const WHITE: Rgb = Rgb(255, 255, 255);
/// What is wrong: idle and starved pods, calls that failed. Dark enough for small text.
pub(super) const ALARM: Rgb = Rgb(176, 0, 32);
/// Pods that are not drawn one by one.
pub(super) const OTHERS: Rgb = Rgb(190, 190, 190);
/// The mean of pods.
pub(super) const MEAN: Rgb = Rgb(60, 60, 60);
/// Bars where no pod is meant.
pub(super) const NEUTRAL: Rgb = Rgb(0, 114, 178);

const OKABE_ITO: [Rgb; 8] = [
    Rgb(0, 114, 178),
    Rgb(230, 159, 0),
    Rgb(0, 158, 115),
    Rgb(204, 121, 167),
    Rgb(86, 180, 233),
    Rgb(213, 94, 0),
    Rgb(240, 228, 66),
    Rgb(140, 140, 140),
];

/// Dark and light end of each cohort's hue: blue, orange, green, purple.
const HUES: [(Rgb, Rgb); 4] = [
    (Rgb(8, 61, 119), Rgb(166, 205, 234)),
    (Rgb(168, 66, 0), Rgb(255, 205, 130)),
    (Rgb(0, 88, 66), Rgb(150, 215, 180)),
    (Rgb(84, 39, 136), Rgb(208, 190, 230)),
];

/// The colour of the `i`-th of `of` pods in the `cohort`-th of `cohorts` cohorts.
pub(super) fn pod(cohort: usize, cohorts: usize, i: usize, of: usize) -> Rgb {
    if cohorts <= 1 {
        let base = OKABE_ITO[i % OKABE_ITO.len()];
        return match (i / OKABE_ITO.len()) % 3 {
            0 => base,
            1 => mix(base, Rgb(0, 0, 0), 40),
            _ => mix(base, Rgb(255, 255, 255), 55),
        };
    }
    let (dark, light) = HUES[cohort % HUES.len()];
    // Even pods take the dark half of the ramp, odd ones the light half, so that neighbours differ clearly.
    let half = of.div_ceil(2).max(1);
    let rank = if i.is_multiple_of(2) { i / 2 } else { half + i / 2 };
    let percent = if of <= 1 { 30 } else { rank * 100 / (2 * half - 1) };
    mix(dark, light, percent.min(100) as u32)
}

/// `colour` for a line, which is too thin for the light ones.
pub(super) fn line(colour: Rgb) -> Rgb {
    if luma(colour) > 170_000 { mix(colour, Rgb(0, 0, 0), 35) } else { colour }
}

/// As Rec. 601 has it, in thousandths.
pub(super) fn luma(colour: Rgb) -> u32 {
    299 * u32::from(colour.0) + 587 * u32::from(colour.1) + 114 * u32::from(colour.2)
}

/// A shade of blue, from nearly white at 0 to dark at 1.
pub(super) fn shade(part: f64) -> Rgb {
    mix(Rgb(238, 245, 251), HUES[0].0, (part.clamp(0.0, 1.0) * 100.0).round() as u32)
}

/// Where there is no value.
pub(super) const NONE: Rgb = Rgb(230, 230, 230);

/// A colour for what belongs to `colour` and matters less.
pub(super) fn paler(colour: Rgb) -> Rgb {
    mix(colour, WHITE, 55)
}

fn mix(a: Rgb, b: Rgb, percent_b: u32) -> Rgb {
    let part = |a: u8, b: u8| ((u32::from(a) * (100 - percent_b) + u32::from(b) * percent_b) / 100) as u8;
    Rgb(part(a.0, b.0), part(a.1, b.1), part(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn twenty_pods_have_twenty_colours() {
        for cohorts in [1, 2] {
            let colours: BTreeSet<String> = (0..20).map(|i| pod(0, cohorts, i, 20).to_string()).collect();
            assert_eq!(colours.len(), 20, "{cohorts} cohorts");
        }
    }
}
