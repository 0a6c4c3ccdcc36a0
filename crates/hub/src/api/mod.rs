//! One list of typed methods and streams, three doors. The window calls it over IPC, a browser over HTTP and
//! WebSocket, a person over the command line. The OpenAPI document and the TypeScript types are generated
//! from the same list.

mod calls;
pub mod documents;
mod list;
mod streams;
pub mod types;

pub(crate) use calls::checked;
pub use list::{CALLS, Call, Name, STREAMS, Stream, dispatch, open_stream};
pub use types::{ApiError, Empty, ErrorCode};

/// Who is asking. Rights are checked by method, in one place: [`dispatch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The window of the desktop app, on this machine.
    Desktop,
    /// Someone who showed a token, by the token's name.
    Remote {
        /// Name of the token.
        name: String,
    },
}

impl Caller {
    /// As it is written into a cause.
    pub fn who(&self) -> &str {
        match self {
            Self::Desktop => "owner",
            Self::Remote { name } => name,
        }
    }
}

impl ApiError {
    /// The thing named does not exist.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self {
            code: ErrorCode::NotFound,
            message: format!("There is no {what} called `{id}`. It may have been removed or renamed."),
        }
    }

    /// The parameters cannot be used.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::Invalid, message: message.into() }
    }

    /// A change to devices, entities or areas that was not made.
    pub fn from_registry(why: &devices::RegistryError) -> Self {
        use devices::RegistryError::{UnknownArea, UnknownDevice, UnknownEntity};
        let code = match why {
            UnknownDevice(_) | UnknownEntity(_) | UnknownArea(_) => ErrorCode::NotFound,
            _ => ErrorCode::Invalid,
        };
        Self { code, message: why.to_string() }
    }

    /// The thing is in a state that forbids it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::Conflict, message: message.into() }
    }

    /// Hearth failed.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self {
            code: ErrorCode::Internal,
            message: format!("Hearth could not do this: {why}. The log has the details."),
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
