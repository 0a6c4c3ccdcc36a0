//! Pictures in messages: what is one, by its first bytes. Nothing here looks further into it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::limits::PICTURE_BYTES_MAX;

/// Boards pad base64 or leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Formats every browser shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl PictureKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Gif, Self::Webp];

    /// The format of a picture, by its first bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// How a file of it ends.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// A picture an entity showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Entity id.
    pub entity: String,
    /// The credential it came with.
    pub user: String,
    /// When it came, UTC ms.
    pub time_ms: i64,
    /// The message it came in.
    pub message_id: u64,
    /// Its format.
    pub kind: PictureKind,
    /// The picture.
    pub bytes: Bytes,
}

/// The picture in a payload. In words if it is none.
pub(crate) fn read(payload: &Bytes, base64: bool) -> Result<(PictureKind, Bytes), String> {
    // Four characters stand for three bytes.
    let bytes_max = if base64 { PICTURE_BYTES_MAX / 3 * 4 } else { PICTURE_BYTES_MAX };
    if payload.len() > bytes_max {
        return Err(format!(
            "a picture of {} KiB is too large; it can have {} KiB",
            payload.len() / 1024,
            bytes_max / 1024
        ));
    }
    let bytes = if base64 {
        let decoded = BASE64.decode(payload.trim_ascii());
        decoded.map_err(|why| format!("it is announced as base64, and is none: {why}"))?.into()
    } else {
        payload.clone()
    };
    match PictureKind::of(&bytes) {
        Some(kind) => Ok((kind, bytes)),
        None => Err("it is no JPEG, PNG, GIF or WebP".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        fn check(payload: &[u8], base64: bool, expected: Result<PictureKind, &str>) {
            let read = read(&Bytes::copy_from_slice(payload), base64).map(|(kind, _)| kind);
            match expected {
                Ok(kind) => assert_eq!(read, Ok(kind)),
                Err(words) => assert!(read.as_ref().unwrap_err().contains(words), "{read:?}"),
            }
        }
        check(b"\xff\xd8\xff\xe0", false, Ok(PictureKind::Jpeg));
        check(b"\x89PNG\r\n\x1a\n....", false, Ok(PictureKind::Png));
        check(b"GIF89a", false, Ok(PictureKind::Gif));
        check(b"RIFF....WEBPVP8 ", false, Ok(PictureKind::Webp));
        check(b"/9j/4A==", true, Ok(PictureKind::Jpeg));
        check(b" /9j/4A\n", true, Ok(PictureKind::Jpeg));
        check(b"/9j/4A==", false, Err("no JPEG, PNG, GIF or WebP"));
        check(b"<svg onload=alert(1)>", false, Err("no JPEG, PNG, GIF or WebP"));
        check(b"\xff\xd8\xff\xe0", true, Err("announced as base64"));
        check(&vec![0xff; PICTURE_BYTES_MAX + 1], false, Err("too large"));
        check(&vec![b'/'; PICTURE_BYTES_MAX / 3 * 4 + 1], true, Err("too large"));
    }
}
