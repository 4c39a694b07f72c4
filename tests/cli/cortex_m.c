/* Runs an exported classifier on a Cortex-M4 of qemu (mps2-an386): reads SIZE bytes per image from
 * the file "images" of the host, by semihosting, and writes class and probabilities to "classes". */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int digits_classify(const uint8_t *image, float *probabilities);
void initialise_monitor_handles(void);
void reset(void);
void _fini(void);

extern uint32_t stack_end;

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_end,
                                                                                 (void *)reset};

static int run(void)
{
    static uint8_t image[SIZE];
    FILE *images = fopen("images", "rb"), *classes = fopen("classes", "w");
    if (images == NULL || classes == NULL)
        return 1;
    while (fread(image, 1, SIZE, images) == SIZE) {
        float probabilities[CLASSES];
        fprintf(classes, "%d", digits_classify(image, probabilities));
        for (int i = 0; i < CLASSES; i++)
            fprintf(classes, " %.9g", (double)probabilities[i]);
        fprintf(classes, "\n");
    }
    return fclose(classes) != 0;
}

/* Newlib's exit calls it. */
void _fini(void) {}

void reset(void)
{
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: the FPU may be used */
    __asm__ volatile("dsb\n isb");
    initialise_monitor_handles();
    exit(run());
}
