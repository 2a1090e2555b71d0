/* Does the runtime at hand lay its structures out as tflite_abi.h says? */
#ifndef RM_SELFTEST_H
#define RM_SELFTEST_H

#include "tflite_abi.h"

/* NULL if it does; else what was found in its place, in one sentence. Reads nothing that might not be memory. */
const char *rm_selftest(TfLiteContext *context);

#endif
