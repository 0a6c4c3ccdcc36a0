//! The UI is embedded from `ui/dist`. A fresh clone has none, and everything but the page itself should build
//! and test without Node: a page that says how to build it stands in.

use std::path::Path;

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    let page = dist.join("index.html");
    println!("cargo:rerun-if-changed={}", dist.display());
    if page.exists() {
        return;
    }
    let text = "<!doctype html><meta charset=utf-8><title>Hearth</title>\
                <p>The user interface is not built. Run <code>make run</code>, \
                or <code>npm ci && npm run build</code> in <code>ui/</code>.";
    if std::fs::create_dir_all(&dist).and_then(|()| std::fs::write(&page, text)).is_err() {
        println!("cargo:warning=cannot write {}; the HTTP door will have no page", page.display());
    }
}
