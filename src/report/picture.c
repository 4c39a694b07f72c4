#include "report/picture.h"

#include <stdlib.h>

void mb_picture_free(mb_picture *picture)
{
    free(picture->text);
    free(picture->bytes.data);
    *picture = (mb_picture){0};
}
