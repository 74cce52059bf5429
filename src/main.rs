//! The entry: the window, or a headless command.

fn main() -> std::process::ExitCode {
    citelink::cli::run()
}
