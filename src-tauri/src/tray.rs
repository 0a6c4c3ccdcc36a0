//! The icon in the tray: opens the window, and quits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tauri::menu::{MenuBuilder, MenuItemBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager};

use crate::window;

const OPEN: &str = "open";
const QUIT: &str = "quit";

/// Shows the icon with its menu. Without it Hearth works all the same: a second start shows the window.
pub(crate) fn show_if_possible(app: &AppHandle) {
    // The library behind the icon is loaded when it is first used, and panics when it is not installed.
    let missing = match catch_unwind(AssertUnwindSafe(|| show(app))) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "libayatana-appindicator3 is not installed".into(),
    };
    tracing::warn!(missing, "no tray icon; start Hearth again to see its window once it is closed");
}

fn show(app: &AppHandle) -> tauri::Result<()> {
    let menu = MenuBuilder::new(app)
        .item(&MenuItemBuilder::with_id(OPEN, "Open Hearth").build(app)?)
        .separator()
        .item(&MenuItemBuilder::with_id(QUIT, "Quit").build(app)?)
        .build()?;
    let mut icon =
        TrayIconBuilder::with_id("hearth").tooltip("Hearth").menu(&menu).on_menu_event(|app, event| {
            match event.id().as_ref() {
                OPEN => window::show(app),
                QUIT => crate::quit(app),
                _ => {}
            }
        });
    if let Some(picture) = app.default_window_icon() {
        icon = icon.icon(picture.clone());
    }
    app.manage(icon.build(app)?);
    Ok(())
}
