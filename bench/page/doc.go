// Package page writes a [bench.Report] as one web page: the findings as titles, a picture under each, the checks with
// their bars, and every number in a table. The page is a single file without scripts or links to elsewhere, follows the
// light or dark setting of its reader, and prints.
//
// The pictures are drawn here and not by a charting module, because go-analyze/charts v0.6.4 has neither whiskers nor
// logarithmic bars, and writes its colours into each element, where a style sheet for dark pages cannot reach them.
//
// Data goes one way: a report is cleaned, its rows become figures, figures become drawings (paths and texts in
// a view box), and a template writes them all. Nothing is measured or judged here; that is package bench.
package page
