//! Processor time, which is the same on a busy machine, from proc_pid_stat(5).

use std::fs;
use std::ops::Range;
use std::time::Duration;

/// Whose time counts: fields behind the name of the program, from 0, each in
/// hundredths of a second.
#[allow(dead_code)]
pub struct Whose(Range<usize>);

#[allow(dead_code)]
impl Whose {
    /// That of the programs that this process ran and that have ended.
    pub const PROGRAMS: Whose = Whose(13..15);
    /// That of this process as well.
    pub const ALL: Whose = Whose(11..15);

    /// What running something takes.
    pub fn timed(&self, run: impl FnOnce()) -> Duration {
        let before = self.so_far();
        run();
        self.so_far().saturating_sub(before)
    }

    /// What was taken so far.
    pub fn so_far(&self) -> Duration {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let Whose(Range { start, end }) = self;
        let fields = fields.split_whitespace().skip(*start).take(end - start);
        let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
}
