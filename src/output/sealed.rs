//! JSON with a checksum over its own bytes: `{"xxh64":"0123456789abcdef","content":…}`. No changed byte goes unnoticed, be it a blank.

use serde::Serialize;
use serde::de::DeserializeOwned;

const BEGIN: &str = "{\"xxh64\":\"";
const MIDDLE: &str = "\",\"content\":";
const END: &str = "}\n";

/// 16 hexadecimal digits that stand for these bytes.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    crate::scenario::hash(bytes)
}

/// A value with its checksum.
///
/// # Errors
/// If the value has no JSON form.
pub fn seal(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let content = serde_json::to_string(value)?;
    Ok(format!("{BEGIN}{}{MIDDLE}{content}{END}", checksum(content.as_bytes())).into_bytes())
}

/// The value, if every byte is as it was written.
///
/// # Errors
/// Says what is wrong.
pub fn open<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    const DIGITS: usize = 16;
    let inside = bytes.strip_prefix(BEGIN.as_bytes()).and_then(|rest| rest.strip_suffix(END.as_bytes()));
    let parts = inside.and_then(|inside| inside.split_at_checked(DIGITS));
    let Some((sum, content)) = parts.and_then(|(sum, rest)| Some((sum, rest.strip_prefix(MIDDLE.as_bytes())?))) else {
        return Err("it is not a whole file with a checksum".to_owned());
    };
    if checksum(content).as_bytes() != sum {
        return Err("its contents do not match its checksum".to_owned());
    }
    serde_json::from_slice(content).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_reads_back_and_every_changed_bit_is_noticed() {
        let value = vec![Some(1.5), None, Some(-0.1)];
        let sealed = seal(&value).unwrap();
        assert_eq!(open::<Vec<Option<f64>>>(&sealed), Ok(value));
        assert!(serde_json::from_slice::<serde_json::Value>(&sealed).is_ok(), "it is JSON");
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open::<Vec<Option<f64>>>(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open::<Vec<Option<f64>>>(&sealed[..length]).is_err(), "{length} bytes");
        }
        assert!(open::<Vec<u8>>(&sealed).unwrap_err().contains("invalid type"));
    }
}
