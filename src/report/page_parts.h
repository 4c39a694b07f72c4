/* The parts of report.html that are more than a few lines, each a piece of well-formed markup. */
#ifndef MB_REPORT_PAGE_PARTS_H
#define MB_REPORT_PAGE_PARTS_H

#include "report/html.h"
#include "report/report.h"

/* page.css, ended by a 0. */
extern const char mb_page_css[];

/* What was trained, on which machine, from which data: lists of names and values. */
void mb_page_facts(const mb_html *html, const mb_report *report);

/* A row an epoch: all up to 60, beyond that about 50 of them, with the first and the last. */
void mb_page_epochs(const mb_html *html, const mb_run *run);

/* A row a class: precision, recall, F1, support. */
void mb_page_classes(const mb_html *html, const mb_evaluation *evaluation);

#endif
