//! The pictures of cameras and images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// The pictures of an entity that are kept.
pub struct PictureList {
    /// The newest first.
    pub pictures: Vec<PictureView>,
    /// So many are kept.
    pub keep: u32,
}

/// A picture. `GET /api/pictures/<entity>/<id>` brings it; `latest` is the newest.
pub struct PictureView {
    /// Its id: that of the message it came in.
    pub id: u64,
    /// When it came, UTC ms.
    pub time_ms: i64,
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// Its length.
    pub bytes: u64,
}

/// Names a picture.
pub struct ByPicture {
    /// Entity id.
    pub entity: String,
    /// Id of the picture; the newest unless given.
    pub id: Option<u64>,
}

/// A picture with its bytes, for those who cannot fetch it over HTTP.
pub struct PictureData {
    /// About it.
    pub picture: PictureView,
    /// The picture in base64.
    pub base64: String,
}

/// How many pictures are kept.
#[derive(PartialEq, Eq)]
pub struct PictureSettings {
    /// Of each entity.
    pub keep: u32,
    /// Bytes of all together; above it the oldest go first.
    pub bytes: u64,
}
}
