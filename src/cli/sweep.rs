//! `citelink sweep`

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let _ = arguments;
    todo!()
}
