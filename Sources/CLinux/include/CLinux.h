// The few calls that Swift cannot import, each with the reason. Prefix: ksmd_.
#ifndef KSMD_CLINUX_H
#define KSMD_CLINUX_H

#include <sys/epoll.h>
#include <stddef.h>
#include <sys/types.h>

/// prctl(PR_SET_NAME): prctl is variadic, which Swift does not import. Returns 0 or errno.
int ksmd_set_name(const char *name);

/// prctl(PR_SET_PDEATHSIG): variadic too. From now on `signal` comes to this process when the one that started it ends,
/// also over an exec. Returns 0 or errno.
int ksmd_die_with_parent(int signal);

/// Whether this process may look into others of any user: it has CAP_SYS_PTRACE (capget: not in glibc's headers).
int ksmd_may_look_into_others(void);

/// Forks a child that writes `length` bytes of `text` to `descriptor` and exits with 0 or the errno of the write.
/// fork is unavailable in Swift; the child may not run Swift code, so its whole work is here. The child keeps no
/// other descriptor open (it may sleep in the kernel for long after the parent has gone), and its signals are the
/// defaults, unblocked. Returns the child's pid or a negative errno.
pid_t ksmd_fork_writer(int descriptor, const char *text, size_t length);

/// One request of `ksmd_fork_reader`: reads `descriptor` at offset 0 into `buffer` (which parent and child share);
/// `result` becomes the number of bytes or a negative errno.
struct ksmd_read {
    int descriptor;
    int result;
    char buffer[504];
};

/// Forks a child that serves `count` requests in `requests` (memory shared with the parent) one after the other,
/// and exits. For files whose reading can wait unkillably for another process' memory map. Returns pid or -errno.
pid_t ksmd_fork_reader(struct ksmd_read *requests, size_t count);

/// Waits at most `milliseconds` for the child `pid` to end (pidfd_open, poll, waitpid: waitpid knows no deadline and
/// syscall is variadic). Returns its exit status, 256 + the signal that killed it, or a negative errno (-ETIMEDOUT).
int ksmd_wait_child(pid_t pid, int milliseconds);

/// Memory that a forked child shares with its parent; NULL when there is none to be had.
void *ksmd_shared_memory(size_t length);

/// Reads one byte of each of `count` pages (at most 1,024 a call) of another process, which un-shares those that are
/// merged: a pin for reading needs a page that is the process' own (gup_must_unshare of the kernel, from 5.19). The
/// copies lie where this process' memory policy says, unless the mapping has a policy of its own, and are charged to
/// the other process' cgroup. Here because process_vm_readv is not in Swift's Glibc. Returns the number of pages read
/// before the first that could not be, or a negative errno when that is the first one.
long ksmd_unshare_pages(pid_t pid, const unsigned long *addresses, size_t count);

/// set_mempolicy(MPOL_PREFERRED, node) for this thread, or MPOL_DEFAULT when `node` is negative (syscall is variadic).
/// Returns 0 or errno (EINVAL: the node is outside the cpuset's memory nodes or has no memory).
int ksmd_prefer_node(int node);

/// Forks a child that spreads what it allocates over `count` nodes (MPOL_INTERLEAVE), writes 2 to `descriptor`, and
/// exits with 0 or the errno of the write. It dies with its parent. Returns its pid or a negative errno.
pid_t ksmd_fork_unmerger(int descriptor, const int *nodes, size_t count);

/// A file in memory, closed on exec (memfd_create: not in Swift's Glibc). Returns its descriptor or a negative errno.
int ksmd_memory_file(const char *name);

/// A socket that gets what the kernel says about the device kvm (and where the kernel takes no filter, about all devices),
/// non-blocking and closed on exec. linux/netlink.h and linux/filter.h are not in Swift's Glibc. Returns its descriptor
/// or a negative errno.
int ksmd_uevent_socket(void);

/// Receives one message from such a socket. Returns its length, 0 for one that is not from the kernel or does not fit,
/// or a negative errno (-EAGAIN: there is none; -ENOBUFS: some were lost). The macros of control messages are not in
/// Swift.
long ksmd_receive_uevent(int descriptor, void *buffer, size_t size);

/// pidfd_open: a descriptor, closed on exec, that can be read when the process has ended (syscall is variadic). Returns
/// it or a negative errno.
int ksmd_process_end(pid_t pid);

/// pidfd_send_signal: signals the process of such a descriptor, and never a later one with its pid (syscall is variadic).
/// Returns 0 or errno.
int ksmd_signal_process(int process, int signal);

/// How far the local time of a moment (seconds since 1970) is ahead of UTC, in seconds; 0 where that is not known. TZ or
/// /etc/localtime; tzset(3) was called before. Here because `struct tm` belongs to another module in some builds.
long ksmd_seconds_ahead_of_utc(long long seconds);

/// Lets malloc map pieces of 16 KiB and more by themselves (malloc.h is not in Swift's Glibc), so that a tick's report of
/// many guests does not leave holes in the heap.
void ksmd_map_large_memory(void);

/// Gives back what malloc holds free (malloc.h is not in Swift's Glibc): a tick's report of many guests is there for a
/// moment only, and without this it stays in memory.
void ksmd_return_free_memory(void);

/// Unmaps the code and constants of the program and its libraries that have been used so far; what is used again comes
/// back from the page cache by itself. Gives back the stack that starting has used, too. Starting and reading the
/// configuration touch about 2 MiB that a tick does not.
/// Here because dl_iterate_phdr takes its argument through void pointers and madvise works on the code itself.
void ksmd_forget_startup_code(void);

#endif
