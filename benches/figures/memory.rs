//! Memory of a process, where the system tells: in MiB.

/// The most that it ever had.
pub fn peak_mib(process: u32) -> Option<u64> {
    mib(process, "VmHWM:")
}

/// What it has now.
pub fn resident_mib(process: u32) -> Option<u64> {
    mib(process, "VmRSS:")
}

fn mib(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}
