//! Hearth's desktop app: a window and a tray icon around the hub.
//!
//! The page in the window speaks the same API as a browser or the command line; this crate only carries it
//! over. It shows the window at once and starts the hub beside it.

mod arguments;
mod environment;
mod hosted;
mod ipc;
mod tray;
mod window;

use std::sync::Arc;

use clap::Parser;
use tauri::{AppHandle, Manager, RunEvent};
use tauri_plugin_window_state::StateFlags;

use crate::arguments::Arguments;
use crate::hosted::HostedHub;
use crate::ipc::Subscriptions;

#[global_allocator]
static MEMORY: hub::memory::Memory = hub::memory::memory();

fn main() -> tauri::Result<()> {
    environment::complete();
    let options = Arguments::parse().into_options();
    hub::logging::init();
    let instance = arguments::instance(&options.data_dir);

    let app = tauri::Builder::default()
        .plugin(
            tauri_plugin_single_instance::Builder::new()
                .dbus_id(instance)
                .callback(|app, _arguments, _folder| window::show(app))
                .build(),
        )
        // All but whether it was visible: Hearth may have been quit from the tray, and starts with a window.
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(StateFlags::all() - StateFlags::VISIBLE)
                .build(),
        )
        .plugin(tauri_plugin_dialog::init())
        // Known before the page asks for them; the hub starts once it is certain that no other app runs.
        .manage(Arc::new(HostedHub::new(options)))
        .manage(Subscriptions::default())
        .invoke_handler(tauri::generate_handler![
            ipc::rpc,
            ipc::subscribe,
            ipc::unsubscribe,
            ipc::start_again
        ])
        .on_page_load(ipc::page_load)
        .on_window_event(window::on_event)
        .setup(|app| {
            app.state::<Arc<HostedHub>>().start();
            tray::show_if_possible(app.handle());
            tauri::async_runtime::spawn(quit_when_told(app.handle().clone()));
            Ok(())
        })
        .build(tauri::generate_context!())?;

    app.run(|app, event| {
        // Without a code it is the desktop that closes the last window, not `quit`.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
            quit(app);
        }
    });
    Ok(())
}

/// Stops the hub, then the app.
fn quit(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Arc<HostedHub>>().stop().await;
        app.exit(0);
    });
}

/// Quits on the signals with which a session, a terminal or an administrator ends a program.
async fn quit_when_told(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        tracing::warn!("signals cannot be watched; quit Hearth from its tray icon");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    quit(&app);
}
