//! Tests of the console as a whole, against a stand-in for the service that answers from made-up rows.

mod budget;
mod fake;
mod keymap;
mod records_and_undo;
mod robust;
mod screens;
mod shifting;
mod stage;
mod state;
