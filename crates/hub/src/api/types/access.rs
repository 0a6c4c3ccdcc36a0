//! Credentials, and what a board needs to log in.

use model::permission::Permissions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// A credential to make.
pub struct AddCredential {
    /// Name, 1 to 64 characters without spaces, slashes or wildcards.
    pub name: String,
    /// What it may write and read; `%u` and `%c` stand for user and client id.
    pub permissions: Permissions,
    /// A secret the owner chose; `null` makes one of 128 bits or more.
    #[serde(default)]
    pub secret: Option<String>,
}

/// Which credential gets a new secret.
pub struct RenewSecret {
    /// Its name.
    pub name: String,
    /// A secret the owner chose; `null` makes one of 128 bits or more.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A credential with its secret, which is shown this once.
pub struct NewCredential {
    /// User name.
    pub user: String,
    /// Secret.
    pub secret: String,
    /// What it may write and read.
    pub permissions: Permissions,
}

/// A credential, without its secret.
pub struct CredentialView {
    /// User name.
    pub name: String,
    /// What it may write and read.
    pub permissions: Permissions,
    /// Made, UTC ms.
    pub created_ms: i64,
    /// Last login, UTC ms.
    pub last_login_ms: Option<i64>,
    /// Belongs to the demo home.
    pub demo: bool,
    /// A client is connected with it now.
    pub connected: bool,
    /// It is in learning mode: everything it does is allowed and recorded.
    pub learning: bool,
    /// It was revoked and lets nobody in, but could not be removed from the disk: revoke it again.
    pub revoked: bool,
}

/// Credentials.
pub struct Credentials {
    /// In order of name.
    pub credentials: Vec<CredentialView>,
}

/// A board to add.
pub struct AddBoard {
    /// Name of the board: its device gets it. Its user name and topic are made from it.
    pub name: String,
    /// Profile: `tasmota`, `esphome`, `custom`.
    pub firmware: String,
    /// Area for its device.
    pub area: Option<String>,
}

/// All a board needs to log in.
pub struct BoardAccess {
    /// Address to type into the board.
    pub host: String,
    /// Port to type into the board.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Secret, shown this once.
    pub secret: String,
    /// Topic the board should use.
    pub topic: String,
    /// What it may write and read.
    pub permissions: Permissions,
    /// Ready texts to paste.
    pub snippets: Vec<Snippet>,
    /// QR code of the first snippet, an SVG picture.
    pub qr_svg: String,
    /// Why the board cannot reach the address, if it cannot.
    pub warning: Option<String>,
}

/// A text to paste.
pub struct Snippet {
    /// Where it goes, such as `Tasmota console`.
    pub title: String,
    /// `text`, `yaml` or `cpp`.
    pub language: String,
    /// The text.
    pub text: String,
}
}
