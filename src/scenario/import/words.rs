//! Command lines as words.

/// The words of a command line as a shell has them: quotes and backslashes are known, variables are not.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('"') | None, '\\') => {
                // A backslash before the end of a line joins lines.
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A duration as command lines have it: a bare number is seconds.
pub(super) fn duration(text: &str) -> String {
    let unit = if text.ends_with(|c: char| c.is_ascii_digit()) { "s" } else { "" };
    format!("{text}{unit}")
}

/// The commands of a script, each as its words: those that `;`, `&&`, `||`, `|` and ends of lines part.
pub(super) fn commands(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut all = Vec::new();
    for line in joined.lines() {
        let (mut start, mut quote) = (0, None);
        for (at, c) in line.char_indices() {
            match (quote, c) {
                (Some(q), c) if c == q => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, ';' | '|' | '&') => {
                    all.push(split(&line[start..at]));
                    start = at + 1;
                }
                _ => {}
            }
        }
        all.push(split(&line[start..]));
    }
    all.retain(|words| !words.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::{commands, split};

    #[test]
    fn quotes_and_backslashes_are_those_of_a_shell() {
        assert_eq!(
            split(r#"ghz -d '{"name":"a b"}' --c "x\"y"  z # end"#),
            ["ghz", "-d", r#"{"name":"a b"}"#, "--c", "x\"y", "z"]
        );
        assert_eq!(split("a \\\n  b ''"), ["a", "b", ""]);
        let parts = commands("a \\\n b && c 'd; e'; f | g");
        assert_eq!(parts, [vec!["a", "b"], vec!["c", "d; e"], vec!["f"], vec!["g"]]);
        assert_eq!(split("  # only a comment"), Vec::<String>::new());
    }
}
