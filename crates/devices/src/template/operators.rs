//! How long the expressions of a template are. The engine takes quadratic time to read a chain of operators, before
//! any fuel counts: 16 KiB of `-` cost it seconds.

/// Signs that stand for an operator; `//` and `**` count twice.
const SIGNS: &[u8] = b"+-*/%~";

/// Operators in the expression of a template that has most.
pub(super) fn in_template(source: &str) -> usize {
    let mut most = 0;
    let mut rest = source;
    while let Some(at) = rest.find(['{']) {
        rest = &rest[at + 1..];
        let end = match rest.as_bytes().first() {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => {
                rest = rest.split_once("#}").map_or("", |(_, after)| after);
                continue;
            }
            _ => continue,
        };
        let tag = &rest[1..];
        let (operators, length) = until(tag, end);
        most = most.max(operators);
        rest = &tag[length..];
    }
    most
}

/// Operators of an expression.
pub(super) fn in_expression(source: &str) -> usize {
    until(source, "\0").0
}

/// Operators up to an end, and how far that is. What stands in a text of the expression is none.
fn until(source: &str, end: &str) -> (usize, usize) {
    let bytes = source.as_bytes();
    let (mut operators, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => at += text(&bytes[at..]),
            _ if bytes[at..].starts_with(end.as_bytes()) => break,
            byte if SIGNS.contains(byte) => {
                operators += 1;
                at += 1;
            }
            byte if byte.is_ascii_alphanumeric() || *byte == b'_' => {
                let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
                let length = bytes[at..].iter().take_while(is_word).count();
                operators += usize::from(&bytes[at..at + length] == b"not");
                at += length;
            }
            _ => at += 1,
        }
    }
    (operators, at.min(bytes.len()))
}

/// The length of a text in quotes, or of what is left if it does not end.
fn text(bytes: &[u8]) -> usize {
    let quote = bytes[0];
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_expression_counts() {
        fn check(source: &str, expected: usize) {
            assert_eq!(in_template(source), expected, "{source}");
        }
        check("", 0);
        check("a - b - c", 0);
        check("{{ a - b }}--{{ c }}", 1);
        check("{{ a }}{% if not b and not c - 1 %}{% endif %}", 3);
        check("{{ 'a-b-}}-c' ~ \"-'-\\\"-\" }}", 1);
        check("{# --- #}{{ a*b }}", 1);
        check("{{ nothing }}{{ not_this }}", 0);
        check("{{ - ", 1);
        check("{{ 'a", 0);
        check("{{ 'ü' - 'ü\\", 1);
        check("{ - {", 0);
        check("{{{{---", 3);
    }

    #[test]
    fn an_expression_has_no_tags() {
        assert_eq!(in_expression("a - b ~ '-' if not c"), 3);
        assert_eq!(in_expression(""), 0);
    }
}
