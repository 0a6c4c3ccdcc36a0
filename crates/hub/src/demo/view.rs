//! What the demo home's camera sees: the garden at that time of the day, as a PNG without compression, so that
//! nothing but its bytes has to be known to write it.

const WIDTH: usize = 192;
const HEIGHT: usize = 128;
/// The colours of the picture; each point of it is one of them.
const COLORS: usize = 8;
const SKY: u8 = 0;
const GLOW: u8 = 1;
const LIGHT: u8 = 2;
const HILL: u8 = 3;
const LAWN: u8 = 4;
const PATH: u8 = 5;
const WALL: u8 = 6;
const WINDOW: u8 = 7;

/// The picture at a share of the day, 0 to 1 from midnight.
pub(super) fn at(share: f64) -> Vec<u8> {
    let height = (std::f64::consts::TAU * (share - 0.25)).sin();
    let day = ((height + 0.25) / 0.6).clamp(0.0, 1.0);
    let mut points = Vec::with_capacity((WIDTH + 1) * HEIGHT);
    for y in 0..HEIGHT {
        // Each line begins with the number of its filter: none.
        points.push(0);
        points.extend((0..WIDTH).map(|x| seen(x as f64, y as f64, share)));
    }
    png(&palette(day), &points)
}

/// What stands at a point.
fn seen(x: f64, y: f64, share: f64) -> u8 {
    let horizon = 62.0 + 6.0 * (x / 31.0).sin() + 3.0 * (x / 11.0).sin();
    let (width, height) = (WIDTH as f64, HEIGHT as f64);
    // The house, with a window, and its door on the path.
    if (120.0..172.0).contains(&x) && (48.0..92.0).contains(&y)
        || (y - 30.0 > (x - 146.0).abs() * 0.6 && y < 48.0)
    {
        let window = (128.0..142.0).contains(&x) && (58.0..72.0).contains(&y);
        return if window { WINDOW } else { WALL };
    }
    if y > horizon {
        let middle = 152.0 - (y - 92.0) * 1.1;
        let is_path = y > 92.0 && (x - middle).abs() < 5.0 + (y - 92.0) * 0.28;
        return match () {
            () if is_path => PATH,
            () if y > 84.0 => LAWN,
            () => HILL,
        };
    }
    // Sun or moon, on its way from left to right.
    let along = (share * 2.0 + 0.5).fract();
    let (at_x, at_y) = (width * along, 46.0 - 34.0 * (std::f64::consts::PI * along).sin());
    let away = (x - at_x).hypot(y - at_y);
    match () {
        () if away < 7.0 => LIGHT,
        () if away < 13.0 || y > horizon - 0.07 * height => GLOW,
        () => SKY,
    }
}

/// The colours, from night (0) to day (1).
fn palette(day: f64) -> [[u8; 3]; COLORS] {
    const NIGHT: [[u8; 3]; COLORS] = [
        [16, 20, 38],
        [34, 38, 62],
        [214, 216, 226],
        [14, 22, 26],
        [18, 30, 26],
        [46, 44, 44],
        [38, 34, 38],
        [250, 196, 108],
    ];
    const DAY: [[u8; 3]; COLORS] = [
        [132, 184, 226],
        [204, 222, 232],
        [255, 232, 150],
        [96, 132, 96],
        [112, 158, 84],
        [196, 178, 148],
        [226, 214, 198],
        [96, 120, 140],
    ];
    let mix =
        |night: u8, day_color: u8| (f64::from(night) + (f64::from(day_color) - f64::from(night)) * day) as u8;
    std::array::from_fn(|n| std::array::from_fn(|channel| mix(NIGHT[n][channel], DAY[n][channel])))
}

/// A PNG of lines of points, each with the number of its filter before it.
fn png(palette: &[[u8; 3]; COLORS], points: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend((WIDTH as u32).to_be_bytes());
    header.extend((HEIGHT as u32).to_be_bytes());
    // 8 bits a point, by palette; deflate, no filter, not interlaced.
    header.extend([8, 3, 0, 0, 0]);
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut picture, b"IHDR", &header);
    chunk(&mut picture, b"PLTE", palette.as_flattened());
    chunk(&mut picture, b"IDAT", &stored(points));
    chunk(&mut picture, b"IEND", &[]);
    picture
}

fn chunk(picture: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    picture.extend((data.len() as u32).to_be_bytes());
    let from = picture.len();
    picture.extend(name);
    picture.extend(data);
    let sum = crc32(&picture[from..]);
    picture.extend(sum.to_be_bytes());
}

/// A zlib stream of blocks that are stored as they are.
fn stored(data: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 65_535;
    let mut stream = vec![0x78, 0x01];
    let blocks = data.chunks(BLOCK).count();
    for (number, block) in data.chunks(BLOCK).enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(number + 1 == blocks));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

fn adler32(data: &[u8]) -> u32 {
    const PRIME: u32 = 65_521;
    let (a, b) = data.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % PRIME;
        (a, (b + a) % PRIME)
    });
    b << 16 | a
}

fn crc32(data: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ (POLYNOMIAL * (sum & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn the_camera_sees_a_picture_at_every_hour_and_not_the_same() {
        let pictures: Vec<Vec<u8>> = (0..24).map(|hour| at(f64::from(hour) / 24.0)).collect();
        for picture in &pictures {
            assert_eq!(devices::PictureKind::of(picture), Some(devices::PictureKind::Png));
            assert!(picture.len() < 32 * 1024, "{}", picture.len());
        }
        assert!(pictures.windows(2).all(|two| two[0] != two[1]));
    }
}
