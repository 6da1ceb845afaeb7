use std::fmt;
use std::str::FromStr;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MINUTES_OF_A_DAY: i64 = 24 * 60;
const MINUTES_OF_A_WEEK: i64 = 7 * MINUTES_OF_A_DAY;

/// A time that comes every week, in UTC, in the notation of AWS's maintenance windows: `sat:02:00-sat:06:00`.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// In minutes since the beginning of Monday.
    start: i64,
    /// The same; before the start where Sunday's midnight lies between.
    end: i64,
}

/// A text that is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no weekly time in UTC such as sat:02:00-sat:06:00")]
pub struct InvalidWindow(String);

impl Window {
    /// Whether `at` lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        since(self.start, minute(at)) < since(self.start, self.end)
    }

    /// When it begins next after `at`.
    pub fn next(self, at: Timestamp) -> Timestamp {
        let begun = Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at);
        let wait = match since(minute(at), self.start) {
            0 => MINUTES_OF_A_WEEK,
            minutes => minutes,
        };
        begun
            .saturating_add(SignedDuration::from_mins(wait))
            .unwrap_or(Timestamp::MAX)
    }
}

/// From the minute `start` of a week to the next minute `end`.
fn since(start: i64, end: i64) -> i64 {
    (end - start).rem_euclid(MINUTES_OF_A_WEEK)
}

/// The minute of the week in which `at` lies.
fn minute(at: Timestamp) -> i64 {
    let at = Offset::UTC.to_datetime(at);
    let day = i64::from(at.weekday().to_monday_zero_offset());
    day * MINUTES_OF_A_DAY + i64::from(at.hour()) * 60 + i64::from(at.minute())
}

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, InvalidWindow> {
        let moment = |text: &str| {
            let (day, time) = text.split_once(':')?;
            let (hour, minute) = time.split_once(':')?;
            let number = |text: &str, below: i64| {
                let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse::<i64>().ok().filter(|number| digits && *number < below)
            };
            let day = DAYS.iter().position(|known| *known == day)?;
            Some(i64::try_from(day).ok()? * MINUTES_OF_A_DAY + number(hour, 24)? * 60 + number(minute, 60)?)
        };
        let ends = text
            .split_once('-')
            .and_then(|(start, end)| moment(start).zip(moment(end)));
        let (start, end) = ends
            .filter(|(start, end)| start != end)
            .ok_or_else(|| InvalidWindow(text.to_owned()))?;
        Ok(Self { start, end })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = |minute: i64| {
            let (day, of_day) = (minute / MINUTES_OF_A_DAY, minute % MINUTES_OF_A_DAY);
            let day = usize::try_from(day).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"");
            format!("{day}:{:02}:{:02}", of_day / 60, of_day % 60)
        };
        write!(f, "{}-{}", moment(self.start), moment(self.end))
    }
}

impl TryFrom<String> for Window {
    type Error = InvalidWindow;

    fn try_from(text: String) -> Result<Self, InvalidWindow> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn it_comes_every_week() {
        let night: Window = "sat:02:00-sat:06:00".parse().expect("a window");
        // 2026-11-27 is a Friday.
        for (time, open, next) in [
            ("2026-11-27T12:30:45Z", false, "2026-11-28T02:00:00Z"),
            ("2026-11-28T01:59:59Z", false, "2026-11-28T02:00:00Z"),
            ("2026-11-28T02:00:00Z", true, "2026-12-05T02:00:00Z"),
            ("2026-11-28T05:59:59Z", true, "2026-12-05T02:00:00Z"),
            ("2026-11-28T06:00:00Z", false, "2026-12-05T02:00:00Z"),
        ] {
            assert_eq!(
                (night.contains(at(time)), night.next(at(time))),
                (open, at(next)),
                "{time}"
            );
        }
        let over_the_end: Window = "sun:23:00-mon:01:00".parse().expect("a window");
        for (time, open) in [
            ("2026-11-29T22:59:00Z", false),
            ("2026-11-29T23:30:00Z", true),
            ("2026-11-30T00:59:00Z", true),
            ("2026-11-30T01:00:00Z", false),
        ] {
            assert_eq!(over_the_end.contains(at(time)), open, "{time}");
        }
        assert_eq!(over_the_end.to_string(), "sun:23:00-mon:01:00");
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "sat",
            "sat:02:00",
            "sat:2:00-sat:06:00",
            "sat:24:00-sun:06:00",
            "sat:02:60-sun:06:00",
            "Sat:02:00-sat:06:00",
            "sat:02:00-sat:02:00",
            "sat:+2:00-sat:06:00",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
