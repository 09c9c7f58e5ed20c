//! The one door for people and CI: `cargo xtask COMMAND`.

mod r#gen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["gen"] => r#gen::kafka::run(false),
        ["gen", "--check"] => r#gen::kafka::run(true),
        _ => anyhow::bail!("usage: cargo xtask gen [--check]"),
    }
}
