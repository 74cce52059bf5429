//! What a start and a frame cost, as events: `RUST_LOG=citelink::app=trace citelink data.jsonl 2> frames.txt`.
//!
//! At the level `debug`, one event once the first frame is on the screen, with the milliseconds since the process was
//! started. At the level `trace`, one event per drawn frame, told when the next one begins:
//!
//! - `processor_ms`: processor time of the window's thread from the beginning of that frame to the beginning of the
//!   next, so with the handling of events, the application's logic, layout, tessellation, the graphics driver's calls
//!   and showing the frame (0 where the system has no such clock);
//! - `drawing_ms`: the time of day that the frame took without waiting for the display, as eframe measures it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Where the system does not say when the process was started: when `main` was entered.
static ENTERED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// To be called first in `main`.
pub fn entered() {
    LazyLock::force(&ENTERED);
}

/// Follows the frames of the window.
#[derive(Debug, Default)]
pub struct FrameTimes {
    /// Frames begun so far.
    begun: u64,
    /// The number that egui gives the frame begun last; a frame may be laid out more than once.
    number: Option<u64>,
    /// Processor time at the beginning of the frame begun last.
    before: Option<Duration>,
}

impl FrameTimes {
    /// A frame begins; the one before it has been shown and is told.
    pub fn begin(&mut self, context: &egui::Context, frame: &eframe::Frame) {
        let number = Some(context.cumulative_frame_nr());
        if number == self.number {
            return;
        }
        self.number = number;
        self.begun += 1;
        match self.begun {
            // A second frame follows at once, so that the first can be told.
            1 => context.request_repaint(),
            2 => {
                let since_start = since_start().as_secs_f64() * 1000.0;
                tracing::debug!(since_start_ms = since_start.round(), "first frame");
            }
            _ => {}
        }
        if !tracing::enabled!(tracing::Level::TRACE) {
            return;
        }
        let now = processor_time();
        if self.begun > 1 {
            let milliseconds = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
            let processor_ms =
                now.zip(self.before).map_or(0.0, |(now, before)| milliseconds(now.saturating_sub(before)));
            let drawing_ms =
                frame.info().cpu_usage.map_or(0.0, |seconds| milliseconds(Duration::from_secs_f32(seconds)));
            tracing::trace!(number = self.begun - 1, processor_ms, drawing_ms, "frame");
        }
        self.before = now;
    }
}

/// Time since the process was started, from Linux to 10 ms (so loading the program is counted); elsewhere since
/// [`entered`].
fn since_start() -> Duration {
    #[cfg(target_os = "linux")]
    if let Some(age) = age_of_process() {
        return age;
    }
    ENTERED.elapsed()
}

/// The machine's uptime less the process's start, which stands in field 22 of `/proc/self/stat` in hundredths of a
/// second (proc(5); `USER_HZ` is 100 on every processor that this program is built for).
#[cfg(target_os = "linux")]
fn age_of_process() -> Option<Duration> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split(' ').next()?.parse().ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Field 2 is the program's name in brackets and may hold spaces; field 3 follows the last bracket.
    let started: f64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    Duration::try_from_secs_f64(uptime - started / 100.0).ok()
}

/// Processor time of this thread so far, in nanoseconds' resolution; None where the system has no such clock.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a `timespec` that outlives the call.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        (failed == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_an_age_that_grows() {
        let first = age_of_process().unwrap();
        assert!(first < Duration::from_hours(24), "{first:?}");
        std::thread::sleep(Duration::from_millis(30));
        assert!(age_of_process().unwrap() > first);
    }

    #[cfg(unix)]
    #[test]
    fn work_takes_processor_time_and_sleep_takes_little() {
        let before = processor_time().unwrap();
        let started = Instant::now();
        let mut sum = 0_u64;
        while started.elapsed() < Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_mul(31) + 1);
        }
        assert!(processor_time().unwrap() > before);
    }
}
