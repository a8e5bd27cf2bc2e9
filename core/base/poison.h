/* base/poison.h -- bytes that are in a buffer, but not meant: what reads or writes them is
 * stopped by AddressSanitizer, in builds with it.  Nothing in others.
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ASAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define POISON_ASAN
#endif

#ifdef POISON_ASAN
#include <sanitizer/asan_interface.h>
#define poison(ptr, len)   ASAN_POISON_MEMORY_REGION(ptr, len)
#define unpoison(ptr, len) ASAN_UNPOISON_MEMORY_REGION(ptr, len)
#else
#define poison(ptr, len)   ((void)(ptr), (void)(len))
#define unpoison(ptr, len) ((void)(ptr), (void)(len))
#endif

#endif
