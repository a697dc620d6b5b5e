"""Which of a tumour's changes T cells can see: variants, peptides, presentation, ranking."""
