//! Bytes on the wire and time to a frame, and the loop as a whole.
