//! The base model that a training starts from: whether it is there, what shape it has, and fetching it on request.

use super::form::BaseKind;
use crate::app::job::Job;
use crate::app::widgets::numbers::{counted, thousands};
use crate::model::{BertConfig, SavedModel, cached, fetch};
use std::path::Path;

/// What is known of a base model that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseFacts {
    /// Its size in a line.
    pub shape: String,
    /// Tokens it can read at most.
    pub positions: usize,
}

/// Whether the chosen base model can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseState {
    /// It is being looked at.
    Looking,
    Ready(BaseFacts),
    /// A hub id whose files are not on this machine yet.
    NotDownloaded,
    /// Nothing was chosen yet.
    Nothing,
    /// Why it cannot be used.
    Problem(String),
}

/// The chosen base model.
#[derive(Debug)]
pub struct BaseModel {
    chosen: Option<(BaseKind, String)>,
    state: BaseState,
    look: Option<Job<BaseState>>,
    download: Option<(String, Job<()>)>,
}

impl BaseModel {
    #[must_use]
    pub fn new() -> Self {
        Self { chosen: None, state: BaseState::Nothing, look: None, download: None }
    }

    /// Whether it can be used.
    #[must_use]
    pub fn state(&self) -> &BaseState {
        &self.state
    }

    /// The longest input, where it is known.
    #[must_use]
    pub fn positions(&self) -> Option<usize> {
        if let BaseState::Ready(facts) = &self.state { Some(facts.positions) } else { None }
    }

    /// The download that is under way: the hub id and its job.
    #[must_use]
    pub fn download(&self) -> Option<(&str, &Job<()>)> {
        self.download.as_ref().map(|(id, job)| (id.as_str(), job))
    }

    /// Looks at the choice again where it changed, and after jobs; an error is a download's that failed.
    pub fn update(&mut self, context: &egui::Context, kind: BaseKind, name: &str) -> Result<(), String> {
        if self.chosen.as_ref().is_none_or(|(known_kind, known)| *known_kind != kind || known != name) {
            self.chosen = Some((kind, name.to_owned()));
            self.look_again(context);
        }
        if let Some(found) = self.look.as_mut().and_then(Job::poll) {
            self.look = None;
            self.state = found.unwrap_or_else(BaseState::Problem);
        }
        if let Some((id, done)) = self.download.as_mut().and_then(|(id, job)| Some((id.clone(), job.poll()?))) {
            self.download = None;
            self.look_again(context);
            done.map_err(|failure| format!("{id} was not downloaded: {failure}"))?;
        }
        Ok(())
    }

    /// Looks at the chosen model once more.
    pub fn look_again(&mut self, context: &egui::Context) {
        let Some((kind, name)) = self.chosen.clone() else { return };
        if name.is_empty() {
            self.look = None;
            self.state = BaseState::Nothing;
            return;
        }
        self.state = BaseState::Looking;
        self.look = Some(Job::start(context, "look at base model", move |_| Ok::<_, String>(look(kind, &name))));
    }

    /// Fetches the hub id into Hugging Face's cache; the only request that this program ever sends. Does nothing while
    /// a download is under way.
    pub fn start_download(&mut self, context: &egui::Context, id: &str) {
        if self.download.is_none() {
            let model = id.to_owned();
            let job = Job::start(context, "download base model", move |progress| fetch(&model, progress).map(|_| ()));
            self.download = Some((id.to_owned(), job));
        }
    }

    /// Stops the download; what was fetched is kept for the next time.
    pub fn cancel_download(&mut self) {
        if let Some((_, job)) = &self.download {
            job.cancel();
        }
    }
}

/// Looks at a base model without loading more of it than needed.
fn look(kind: BaseKind, name: &str) -> BaseState {
    match kind {
        BaseKind::Bundled => match SavedModel::bundled() {
            Ok(model) => BaseState::Ready(facts(&model.config)),
            Err(failure) => BaseState::Problem(failure.to_string()),
        },
        BaseKind::Folder => look_into(Path::new(name)).map_or_else(BaseState::Problem, BaseState::Ready),
        BaseKind::Hub if !is_hub_id(name) => {
            BaseState::Problem("A hub id has the form owner/name, such as allenai/scibert_scivocab_uncased".to_owned())
        }
        BaseKind::Hub => cached(name).map_or(BaseState::NotDownloaded, |folder| {
            look_into(&folder).map_or_else(BaseState::Problem, BaseState::Ready)
        }),
    }
}

/// Whether a folder can be a base model: its configuration is BERT's, and weights and vocabulary are there.
fn look_into(folder: &Path) -> Result<BaseFacts, String> {
    let config = folder.join("config.json");
    let json = std::fs::read(&config)
        .map_err(|failure| format!("Cannot read {}: {failure}. Choose a model's folder", config.display()))?;
    let config = BertConfig::from_json(&json, &config).map_err(|failure| failure.to_string())?;
    let has = |names: &[&str]| names.iter().any(|name| folder.join(name).is_file());
    if !has(&["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"]) {
        return Err(format!("{} has no weights: expected model.safetensors or pytorch_model.bin", folder.display()));
    }
    if !has(&["tokenizer.json", "vocab.txt"]) {
        return Err(format!("{} has no vocabulary: expected tokenizer.json or vocab.txt", folder.display()));
    }
    Ok(facts(&config))
}

fn facts(config: &BertConfig) -> BaseFacts {
    let shape = format!(
        "{} of width {}, {} word pieces, up to {} tokens a pair",
        counted(config.num_hidden_layers, "layer", "layers"),
        thousands(config.hidden_size),
        thousands(config.vocab_size),
        thousands(config.max_position_embeddings),
    );
    BaseFacts { shape, positions: config.max_position_embeddings }
}

/// Whether a text can be a hub id: `name` or `owner/name` of letters, digits, `-`, `_` and `.`.
fn is_hub_id(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
    };
    text.split('/').count() <= 2 && text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_ids_are_told_from_other_text() {
        assert!(is_hub_id("allenai/scibert_scivocab_uncased") && is_hub_id("bert-base-uncased"));
        assert!(!is_hub_id("/models/scibert") && !is_hub_id("a/b/c") && !is_hub_id("two words") && !is_hub_id(""));
    }

    #[test]
    fn a_folder_without_weights_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let missing = look_into(folder.path()).unwrap_err();
        assert!(missing.contains("config.json"), "{missing}");
        std::fs::write(folder.path().join("config.json"), serde_json::to_vec(&BertConfig::default()).unwrap()).unwrap();
        let missing = look_into(folder.path()).unwrap_err();
        assert!(missing.contains("no weights"), "{missing}");
        std::fs::write(folder.path().join("model.safetensors"), "").unwrap();
        std::fs::write(folder.path().join("vocab.txt"), "").unwrap();
        assert_eq!(look_into(folder.path()).unwrap().positions, 512);
    }
}
