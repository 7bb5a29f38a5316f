"""Who is who: a certificate authority, codes for boxes, files for the broker."""
