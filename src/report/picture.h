/* A picture in memory, on its way into a file and into the page. */
#ifndef MB_REPORT_PICTURE_H
#define MB_REPORT_PICTURE_H

#include "core/file.h"

typedef enum mb_picture_format { MB_PICTURE_SVG, MB_PICTURE_PNG } mb_picture_format;

typedef struct mb_picture {
    const char *file;  /* its name in the run folder: "loss.svg" */
    const char *title; /* a few words */
    char *text;        /* what there is to see, for those who cannot; owned */
    mb_picture_format kind;
    size_t width, height; /* pixels (PNG) or user units (SVG) */
    mb_bytes bytes;       /* the file's contents; owned */
} mb_picture;

/* Frees what the picture owns and makes it empty. */
void mb_picture_free(mb_picture *picture);

#endif
