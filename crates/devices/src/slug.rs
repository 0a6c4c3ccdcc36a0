//! Ids from names: lower-case ASCII that a script can write; and names from ids.

/// Longest slug, in characters.
const SLUG_CHARS_MAX: usize = 48;

/// `Wohnzimmer Süd` becomes `wohnzimmer_sued`. Empty if nothing of the name can be written in ASCII.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match transliterate(c) {
            Some(letters) => slug.push_str(letters),
            None if c.is_ascii_alphanumeric() => slug.push(c),
            None if c == '\'' || c == '’' => {}
            None if !slug.is_empty() && !slug.ends_with('_') => slug.push('_'),
            None => {}
        }
        if slug.len() >= SLUG_CHARS_MAX {
            break;
        }
    }
    slug.truncate(slug.trim_end_matches('_').len());
    slug
}

/// Edit distance of Levenshtein, in bytes.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

/// A name for what a board calls `target-temperature` and gives none.
pub(crate) fn capitalised(id: &str) -> String {
    let words = id.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Latin letters with marks, as they are commonly written without.
fn transliterate(c: char) -> Option<&'static str> {
    Some(match c {
        'ä' | 'æ' => "ae",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ą' | 'ă' => "a",
        'ç' | 'ć' | 'č' | 'ċ' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ł' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ő' | 'ō' => "o",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ű' | 'ū' | 'ů' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// The slug, or `slug_2`, `slug_3`, whichever is not taken.
pub(crate) fn unique(slug: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(slug) {
        return slug.to_owned();
    }
    (2u32..)
        .map(|n| format!("{slug}_{n}"))
        .find(|candidate| !taken(candidate))
        .unwrap_or_else(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ascii_ids() {
        fn check(name: &str, expected: &str) {
            assert_eq!(slug(name), expected, "{name}");
        }
        check("Wohnzimmer Süd", "wohnzimmer_sued");
        check("Größe (°C)", "groesse_c");
        check("  --Éclairage n°2--  ", "eclairage_n_2");
        check("Anna's Lamp", "annas_lamp");
        check("ESPURNA-0A1B2C", "espurna_0a1b2c");
        check("温度", "");
        check(&"x".repeat(300), &"x".repeat(48));
    }

    #[test]
    fn taken_ids_get_a_number() {
        let taken = ["lamp", "lamp_2"];
        assert_eq!(unique("lamp", |id| taken.contains(&id)), "lamp_3");
        assert_eq!(unique("fan", |id| taken.contains(&id)), "fan");
    }
}
