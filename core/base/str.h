/* base/str.h -- questions about borrowed slices (struct sioc_str).  Nothing here allocates. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <sioc/base.h>

#define STR(literal) ((struct sioc_str){"" literal, sizeof(literal) - 1})

bool str_eq(struct sioc_str a, struct sioc_str b);
bool str_eq_nocase(struct sioc_str a, struct sioc_str b); /* ASCII letters only */
bool str_starts(struct sioc_str s, struct sioc_str prefix);
struct sioc_str str_from(struct sioc_str s, size_t at);             /* s[at:], at <= len */
struct sioc_str str_part(struct sioc_str s, size_t at, size_t len); /* clamped */
struct sioc_str str_trim(struct sioc_str s); /* spaces and tabs at both ends */
/* Index of the first `c`, or s.len. */
size_t str_find(struct sioc_str s, char c);
/* Cuts the part before `sep` off the front of *rest (the separator goes too); false at the end.
 * "a,,b" gives "a", "", "b". */
bool str_next(struct sioc_str *rest, char sep, struct sioc_str *ret_part);
/* Decimal digits only: no sign, no spaces, at most `max`.  False otherwise. */
bool str_to_u64(struct sioc_str s, uint64_t max, uint64_t *ret_value);

#endif
