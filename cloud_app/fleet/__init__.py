"""The fleet of boxes: how they are let in, told what to do, kept up to date and put out."""
