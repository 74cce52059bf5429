use super::*;

fn reference(title: &str, authors: &str, text: &str) -> Reference {
    Reference { title: title.to_owned(), authors: authors.to_owned(), text: text.to_owned() }
}

#[test]
fn blank_lines_divide_references() {
    let pasted = "Attention is all you need\nAshish Vaswani, Noam Shazeer\nWe propose the Transformer.\nIt is based on attention.\n\n \t\n\
                  Gravity Probe B\nC. Everitt et al.\nThe experiment was launched.\n";
    let expected = [
        reference(
            "Attention is all you need",
            "Ashish Vaswani, Noam Shazeer",
            "We propose the Transformer. It is based on attention.",
        ),
        reference("Gravity Probe B", "C. Everitt et al.", "The experiment was launched."),
    ];
    assert_eq!(split_pasted(pasted), expected);
    assert_eq!(split_pasted(&pasted.replace('\n', "\r\n")), expected);
    assert_eq!(split_pasted(&pasted.replace('\n', "\r")), expected);
    assert_eq!(split_pasted(&format!("\n\n\u{feff}{pasted}\n\n\n")), expected);
}

#[test]
fn one_line_is_a_title() {
    assert_eq!(split_pasted("  Deep learning  "), [reference("Deep learning", "", "")]);
    assert_eq!(
        split_pasted("Deep learning\n\nA Global Joint Model for Semantic Role Labeling"),
        [reference("Deep learning", "", ""), reference("A Global Joint Model for Semantic Role Labeling", "", "")]
    );
    assert_eq!(split_pasted(""), []);
    assert_eq!(split_pasted(" \r\n\t\n"), []);
}

#[test]
fn a_title_may_be_followed_by_its_abstract() {
    assert_eq!(
        split_pasted(
            "Theoretical limits\nTransformers are emerging as the new workhorse, showing success.\nWe study them."
        ),
        [reference(
            "Theoretical limits",
            "",
            "Transformers are emerging as the new workhorse, showing success. We study them."
        )]
    );
    assert_eq!(split_pasted("Theoretical limits\nMichael Hahn"), [reference("Theoretical limits", "Michael Hahn", "")]);
}

#[test]
fn broken_titles_and_author_lists_are_joined() {
    assert_eq!(
        split_pasted(
            "HotpotQA: a dataset for diverse,\nexplainable question answering\nZ. Yang, P. Qi,\nS. Zhang and Y. Bengio\nExisting datasets fail."
        ),
        [reference(
            "HotpotQA: a dataset for diverse, explainable question answering",
            "Z. Yang, P. Qi, S. Zhang and Y. Bengio",
            "Existing datasets fail."
        )]
    );
}

#[test]
fn authors_may_stand_above_the_title() {
    assert_eq!(
        split_pasted("J. Smith, A. Doe\nThings in mice\nMice were studied."),
        [reference("Things in mice", "J. Smith, A. Doe", "Mice were studied.")]
    );
}

#[test]
fn labels_say_what_a_part_is() {
    let expected = [reference("Things in mice", "Smith and others", "Mice were studied. They slept.")];
    for pasted in [
        "Title: Things in mice\nAuthors: Smith and others\nAbstract: Mice were studied.\nThey slept.",
        "Things in mice\nSmith and others\nAbstract\nMice were studied.\nThey slept.",
        "Things in mice\nSmith and others\n\nABSTRACT\n\nMice were studied.\nThey slept.",
        "Things in mice\nAuthor(s): Smith and others\nAbstract— Mice were studied. They slept.",
    ] {
        assert_eq!(split_pasted(pasted), expected, "{pasted}");
    }
}

#[test]
fn numbered_and_bulleted_lists_need_no_blank_lines() {
    let titles =
        [reference("First things", "", ""), reference("Second things", "", ""), reference("Third things", "", "")];
    for pasted in [
        "[1] First things\n[2] Second things\n[3] Third things",
        "1. First things\n2. Second\nthings\n3. Third things",
        "7) First things\n\n8) Second things\n\n9) Third things",
        "• First things\n• Second things\n• Third things",
        "- First things\n- Second things\n- Third things",
    ] {
        assert_eq!(split_pasted(pasted), titles, "{pasted}");
    }
}

#[test]
fn items_of_a_list_may_have_authors_and_text() {
    assert_eq!(
        split_pasted("1. First things\nJ. Smith, A. Doe\nMice were studied.\n2. Second things\nJane Roe"),
        [
            reference("First things", "J. Smith, A. Doe", "Mice were studied."),
            reference("Second things", "Jane Roe", "")
        ]
    );
}

#[test]
fn bibliographies_give_authors_and_titles() {
    let pasted = "[1] Smith J, Doe A. A study of\nthings in mice. Nature. 2019;12:1-10.\n\
                  [2] K. He, X. Zhang. Deep residual learning. CVPR 2016.\n\
                  [3] Roe, J. (2020). Sleep in mice. Journal, 1(2), 3.\nhttps://doi.org/10.1000/1";
    assert_eq!(
        split_pasted(pasted),
        [
            reference("A study of things in mice", "Smith J, Doe A.", ""),
            reference("Deep residual learning", "K. He, X. Zhang", ""),
            reference("Sleep in mice", "Roe, J.", ""),
        ]
    );
}

#[test]
fn a_paragraph_is_a_title_and_its_text() {
    let text = "word ".repeat(100);
    let references = split_pasted(&format!("A title of a paper. Then {text}"));
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].title, "A title of a paper");
    assert!(references[0].text.starts_with("Then word"));
}

#[test]
fn bibtex_and_text_may_be_mixed() {
    let pasted = "Plain title\n\n@article{a,\n\n title={Of BibTeX},\n author={Doe, Jane}\n}\n\nOther title\nJane Roe";
    assert_eq!(
        split_pasted(pasted),
        [
            reference("Plain title", "", ""),
            reference("Of BibTeX", "Jane Doe", ""),
            reference("Other title", "Jane Roe", "")
        ]
    );
}

#[test]
fn json_lines_are_read_as_such() {
    let pasted = "{\"ref_paper_title\": \"T\", \"ref_paper_text\": \"x\"}\n\n{\"ref_paper_title\": \"U\"}";
    assert_eq!(split_pasted(pasted), [reference("T", "", "x"), reference("U", "", "")]);
    // Something in braces that is no JSON stays text.
    assert_eq!(split_pasted("{sic} a title"), [reference("{sic} a title", "", "")]);
}

#[test]
fn nothing_pasted_makes_it_panic() {
    for pasted in [
        "[1]", "1.", "•", "\"", "“”", "Abstract", "Title:", ":", ".", "A.", "A. ", "(2019)", "x (2019", "1234",
        "é2019", "@{", "{", "- \n- ",
    ] {
        for pasted in [pasted.to_owned(), format!("{pasted}\n{pasted}\n\n{pasted} é\n")] {
            let references = split_pasted(&pasted);
            assert!(references.iter().all(|reference| *reference != Reference::default()), "{pasted}");
        }
    }
}
