//! The command line of sievify.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
