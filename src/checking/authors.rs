//! Telling a list of people from a title or a sentence.

/// Words inside names that stand in lower case.
const PARTICLES: [&str; 26] = [
    "al", "al.", "bin", "ibn", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "el",
    "et", "la", "le", "ten", "ter", "van", "von", "y", "zu",
];

/// Longest name, in words: "Maria del Carmen Fernandez de la Torre".
const LONGEST_NAME: usize = 7;

/// Whether a line reads as a list of people: names divided by commas, semicolons, "and" or "&".
pub(super) fn look_like_authors(line: &str) -> bool {
    let names = names_of(line);
    // One word alone is a name only in company ("Plato" may be a title).
    let one_word = names.len() == 1 && names[0].split_whitespace().count() < 2;
    !names.is_empty() && !one_word && names.iter().all(|name| is_name(name))
}

/// Whether a line reads as a list of people beyond doubt: it has initials, "et al.", or several names of several words.
pub(super) fn are_surely_authors(line: &str) -> bool {
    if !look_like_authors(line) {
        return false;
    }
    let names = names_of(line);
    let full_names = names.iter().filter(|name| name.split_whitespace().count() > 1).count();
    has_et_al(line)
        || line
            .split_whitespace()
            .map(|word| word.trim_end_matches([',', ';']))
            .any(|word| is_initials(word) && word.contains('.'))
        || names.iter().filter(|name| ends_in_initials(name)).count() * 2 > names.len()
        || (full_names > 1 && full_names == names.len())
}

/// Whether an initial is what the text starts with, as in "J. Smith".
pub(super) fn starts_with_initial(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| word.ends_with('.') && is_initials(word))
}

/// Whether an initial is what the text ends with, as in "Smith, J.".
pub(super) fn ends_in_initials(text: &str) -> bool {
    text.split_whitespace().count() > 1 && text.split_whitespace().next_back().is_some_and(is_initials)
}

fn has_et_al(line: &str) -> bool {
    let line = line.trim_end_matches(['.', ',', ' ']);
    line.ends_with(" et al")
}

/// The names between the separators, footnote marks taken off.
fn names_of(line: &str) -> Vec<String> {
    let line = line.trim().trim_end_matches(['.', ',', ';', ':']);
    line.replace(" and ", ",")
        .replace(" & ", ",")
        .replace(",& ", ",")
        .split([',', ';', '·', '•'])
        .map(|name| {
            let name = name.trim().trim_start_matches("and ").trim_start_matches("& ");
            name.split_whitespace().map(without_marks).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// A word without the marks that point to footnotes: digits, asterisks, daggers.
fn without_marks(word: &str) -> &str {
    // A year is no footnote mark and must keep a line from being taken for names.
    if word.chars().filter(char::is_ascii_digit).count() >= 4 {
        return word;
    }
    word.trim_end_matches(|c: char| c.is_numeric() || "*†‡§¶#^".contains(c))
        .trim_start_matches(|c: char| c.is_numeric() || "*†‡§¶#^".contains(c))
}

fn is_name(name: &str) -> bool {
    let words: Vec<&str> = name.split_whitespace().collect();
    let inside = words.len().saturating_sub(1);
    words.len() <= LONGEST_NAME
        && words.iter().any(|word| starts_like_a_name(word))
        && words.iter().all(|word| PARTICLES.contains(word) || starts_like_a_name(word))
        // A full stop inside a name follows initials and "Jr." only; after another word a sentence has ended.
        && words[..inside].iter().all(|word| !word.ends_with('.') || is_initials(word) || is_suffix(word))
}

fn is_suffix(word: &str) -> bool {
    ["Jr.", "Sr.", "St.", "al."].contains(&word)
}

/// A capital, or a letter of a script without capitals, and nothing in the word that names do not have.
fn starts_like_a_name(word: &str) -> bool {
    let mut letters = word.chars().skip_while(|c| "'’‘`(\"".contains(*c));
    let first = letters.next();
    // "d'Hoore", "al-Khwarizmi": a short lower-case part before the name proper.
    let after_prefix = word.split(['-', '\'', '’']).nth(1).and_then(|rest| rest.chars().next());
    let capital = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic() && !c.is_lowercase());
    (capital(first) || (word.chars().count() > 3 && capital(after_prefix)))
        && word.chars().all(|c| c.is_alphabetic() || ".-'’‘`´–‐()\"".contains(c) || is_combining(c))
}

/// Accents that PDF copies leave as characters of their own.
fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c) || "¨˜ˇ˘˙˚¸˛".contains(c)
}

/// "J.", "J.-P.", "JP", "A.B.": one to three capitals and nothing else but full stops and hyphens.
fn is_initials(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    (1..=3).contains(&letters)
        && word.chars().all(|c| c.is_uppercase() || ".-‐–".contains(c))
        && (letters == 1 || !word.ends_with('.') || word.matches('.').count() >= letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_people_are_seen_in_every_usual_form() {
        for line in [
            "Ashish Vaswani, Noam Shazeer, Niki Parmar",
            "L. Langouche, M. Marques, S. Vander Perre, A. D'hoore, G. Van den Berghe",
            "Smith J, Doe AB, van der Berg C",
            "Smith, J., & Doe, A. B.",
            "Jane Doe and John Roe",
            "Jane Doe1,2*, José Müller2, Łukasz Žák†",
            "C. Everitt et al.",
            "Xin Rong",
            "张伟, 李娜",
            "Smith; Doe; Roe",
            "J.-P. Serre",
        ] {
            assert!(look_like_authors(line), "{line}");
        }
    }

    #[test]
    fn titles_and_sentences_are_no_people() {
        for line in [
            "Attention is all you need",
            "We propose a new network architecture, the Transformer.",
            "Nature Methods, 2019",
            "Proceedings of the Association for Computational Linguistics",
            "BERT",
            "Images, sounds and words",
            "",
            "...",
        ] {
            assert!(!look_like_authors(line), "{line}");
        }
    }

    #[test]
    fn certainty_needs_initials_or_several_full_names() {
        for line in ["J. Smith", "Smith J, Doe A", "Smith, J.", "Jane Doe and John Roe", "Jane Doe et al."] {
            assert!(are_surely_authors(line), "{line}");
        }
        for line in ["Deep Learning", "Xin Rong", "Attention, Memory, Cognition", "BERT"] {
            assert!(!are_surely_authors(line), "{line}");
        }
    }
}
