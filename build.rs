//! Compiles the GPU kernels for builds with the feature `cuda`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const KERNELS: &str = "src/model/gpu/kernels";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return ExitCode::SUCCESS;
    }
    println!("cargo::rerun-if-changed={KERNELS}");
    println!("cargo::rerun-if-env-changed=NVCC");
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    let Err(failure) = compile() else {
        return ExitCode::SUCCESS;
    };
    for line in failure.lines() {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}

fn compile() -> Result<(), String> {
    let nvcc = nvcc();
    let output = Path::new(&env::var_os("OUT_DIR").ok_or("cargo has not set OUT_DIR")?).join("engine.ptx");
    // The driver compiles it further for the GPU that it finds, of this generation or a later one.
    let run = Command::new(&nvcc)
        .args(["-ptx", "-std=c++17", "-O3", "--gpu-architecture=compute_80", "-o"])
        .arg(&output)
        .arg(Path::new(KERNELS).join("engine.cu"))
        .output()
        .map_err(|failure| {
            format!(
                "the feature `cuda` needs NVIDIA's CUDA toolkit, but its compiler {} does not start ({failure}): \
                 install the toolkit, or set NVCC or CUDA_HOME to where it is",
                nvcc.display()
            )
        })?;
    if run.status.success() {
        return Ok(());
    }
    let said = [run.stdout, run.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(format!("{} failed to compile the GPU kernels ({}):\n{said}", nvcc.display(), run.status))
}

fn nvcc() -> PathBuf {
    match (env::var_os("NVCC"), env::var_os("CUDA_HOME")) {
        (Some(nvcc), _) => nvcc.into(),
        (None, Some(home)) => Path::new(&home).join("bin/nvcc"),
        (None, None) => "nvcc".into(),
    }
}
