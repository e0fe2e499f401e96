"""Running networks over transformed images, and keeping what comes out."""
