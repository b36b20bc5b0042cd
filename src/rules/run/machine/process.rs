//! In: what a process has done, and the flags of a recipe. Out: whether the
//! recipe runs, and where the process goes on.

use super::{Frame, FrameKind, Next, Process};
use crate::rules::model::{Chain, Flags, Step};

impl<'p> Process<'p> {
    /// Whether what earlier recipes did lets one with these flags run.
    pub(super) fn goes_on(&self, chain: Chain) -> bool {
        (!chain.on_error || self.before_matched && !self.succeeded)
            && (!chain.or_else || !self.before_matched)
            && (!chain.also_if_succeeded || self.last_matched && self.succeeded)
            && (!chain.also || self.last_matched)
    }

    /// Enters the block of a recipe; with `c`, a clone does.
    pub(super) fn enter(&mut self, steps: &'p [Step], flags: &Flags) -> Next<'p> {
        self.succeeded = true;
        let block = Frame {
            steps,
            at: 0,
            kind: FrameKind::Block {
                last_matched: self.last_matched,
                before_matched: self.before_matched,
            },
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
            Some(FrameKind::Block {
                last_matched,
                before_matched,
            }) => {
                self.last_matched = last_matched;
                self.before_matched = before_matched;
            }
            // The file that it took over from ends as well, blocks and all.
            Some(FrameKind::Switched) => {
                while let Some(frame) = self.frames.last_mut() {
                    match frame.kind {
                        FrameKind::Block { .. } => {
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
