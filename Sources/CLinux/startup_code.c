#define _GNU_SOURCE
#include "CLinux.h"

#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/// Takes the read-only segments of one object out of the page tables. Whole pages only: the last one of a segment may
/// hold the beginning of the next.
static int forget_segments(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    // The kernel's own object has no file behind it.
    if (object->dlpi_phdr && (ElfW(Addr))object->dlpi_phdr - getauxval(AT_SYSINFO_EHDR) < *(size_t *)page_size)
        return 0;
    size_t mask = ~(*(size_t *)page_size - 1);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
            continue;
        ElfW(Addr) start = (object->dlpi_addr + segment->p_vaddr) & mask;
        ElfW(Addr) end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & mask;
        if (end > start)
            madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void ksmd_forget_startup_code(void) {
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(forget_segments, &page_size);
    // The stack below this frame, and the next two pages: the kernel keeps a megabyte below it free of other mappings.
    enum { deepest = 128 << 10 };
    char here;
    uintptr_t end = ((uintptr_t)&here & ~(uintptr_t)(page_size - 1)) - 2 * page_size;
    madvise((void *)(end - deepest), deepest, MADV_DONTNEED);
}
