//! The model embedded in the program.
