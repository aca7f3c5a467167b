"""Equipment after ISA-95, and the reasons a stop or scrap may have."""
