"""Pure vision, no input or output: from a picture and bays to states of bays."""
