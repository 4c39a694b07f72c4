#include "test.h"

int main(void) { return mb_run_tests(); }
