//! In: what a process has done, and the flags of a recipe. Out: whether the
//! recipe runs, and where the process goes on.

use super::{Frame, FrameKind, Next, Process};
use crate::rules::model::{Flags, Step};

impl<'p> Process<'p> {
    /// Notes whether an action did what it should; that is given back.
    pub(super) fn succeeds(&mut self, succeeded: bool) -> bool {
        self.chain.succeeded = Some(succeeded);
        succeeded
    }

    /// Enters the block of a recipe; with `c`, a clone does.
    pub(super) fn enter(&mut self, steps: &'p [Step], flags: &Flags) -> Next<'p> {
        self.succeeds(true);
        let block = Frame {
            steps,
            at: 0,
            kind: FrameKind::Block(self.chain),
        };
        if !flags.copy {
            self.frames.push(block);
            return Next::Step;
        }
        let original = self.clone();
        self.frames.push(block);
        // Waited for or not, a clone without an exit status has succeeded.
        Next::Clone {
            original,
            waits: flags.wait,
        }
    }

    /// Leaves the innermost block or file, which has come to its end.
    pub(super) fn leave(&mut self) {
        match self.frames.pop().map(|frame| frame.kind) {
            Some(FrameKind::Block(above)) => self.chain = self.chain.at_level_of(above),
            // The file that it took over from ends as well, blocks and all.
            Some(FrameKind::Switched) => {
                while let Some(frame) = self.frames.last_mut() {
                    match frame.kind {
                        FrameKind::Block(_) => {
                            self.frames.pop();
                        }
                        _ => {
                            frame.at = frame.steps.len();
                            break;
                        }
                    }
                }
            }
            Some(FrameKind::File) | None => {}
        }
    }

    /// What an action is given of the message.
    pub(super) fn fed(&self, flags: &Flags) -> Vec<u8> {
        match (flags.feed_header, flags.feed_body) {
            (true, false) => self.message.raw_header().to_vec(),
            (false, true) => self.message.body().to_vec(),
            _ => self.message.raw().to_vec(),
        }
    }
}
