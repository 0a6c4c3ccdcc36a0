//! The page is embedded from `ui/dist`; a newer one must find its way into the program.

fn main() {
    println!("cargo:rerun-if-changed=../ui/dist");
    tauri_build::build();
}
