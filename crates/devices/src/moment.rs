//! Moments as texts. Whoever has a clock passes the time in; here it is only read and written.

/// The last second of the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// A moment by its strftime codes, in UTC: a pure crate knows no time zone. `None` if it is before 1970 or after
/// 9999, or a code is not among the handful that templates in the field use.
pub(crate) fn format(seconds: f64, format: &str) -> Option<String> {
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return None;
    }
    let seconds = seconds as i64;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('Y') => text.push_str(&format!("{year:04}")),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('H') => text.push_str(&format!("{:02}", second / 3600)),
            Some('M') => text.push_str(&format!("{:02}", second / 60 % 60)),
            Some('S') => text.push_str(&format!("{:02}", second % 60)),
            Some('%') => text.push('%'),
            _ => return None,
        }
    }
    Some(text)
}

/// Days since 1970 to a date (the proleptic Gregorian calendar, counted in 400-year eras from March).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A date and time in ISO 8601, with the `T` it may have lacked; `None` if it is none.
pub(crate) fn iso(text: &str) -> Option<String> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.splitn(3, '-');
    let mut next = |digits: usize, least: u32, most: u32| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.parse::<u32>().ok().filter(|number| (least..=most).contains(number))
    };
    let (year, month, day) = (next(4, 1, 9999)?, next(2, 1, 12)?, next(2, 1, 31)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > days {
        return None;
    }
    let Some(time) = time else { return Some(format!("{date}T00:00:00")) };
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let mut fields = clock.splitn(3, ':');
    let mut field = |most: f64| fields.next()?.parse::<f64>().ok().filter(|n| (0.0..=most).contains(n));
    let (_, _) = (field(23.0)?, field(59.0)?);
    if clock.matches(':').count() == 2 {
        field(59.999_999)?;
    }
    let zone = match zone {
        "Z" => "+00:00",
        zone if zone.is_empty() || zone[1..].bytes().all(|b| b.is_ascii_digit() || b == b':') => zone,
        _ => return None,
    };
    Some(format!("{date}T{clock}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_one_way() {
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(iso(text).as_deref(), expected, "{text}");
        }
        check("2020-01-02 08:11:00", Some("2020-01-02T08:11:00"));
        check("2020-01-02T08:11:00Z", Some("2020-01-02T08:11:00+00:00"));
        check("2020-01-02T08:11:00.5+02:00", Some("2020-01-02T08:11:00.5+02:00"));
        check("2020-02-29", Some("2020-02-29T00:00:00"));
        check("2021-02-29", None);
        check("2020-21-02 08:11:00", None);
        check("Hello there!", None);
        check("", None);
    }
}
