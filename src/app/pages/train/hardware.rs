//! What a running training uses of the machine: processor, memory and, where NVIDIA's library is there, the GPU.

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use std::collections::VecDeque;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Time between two samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// Samples kept for the small curves: two minutes.
pub const KEPT: usize = 120;

/// One look at the machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Share of all cores in use by anything, 0 to 1.
    pub processor: f64,
    pub cores: usize,
    /// Bytes in use by anything.
    pub memory_used: u64,
    pub memory_total: u64,
    /// The training process, while it lives on this machine.
    pub process: Option<ProcessSample>,
    pub gpus: Vec<GpuSample>,
}

/// What the training process uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessSample {
    /// Share of all cores, 0 to 1.
    pub processor: f64,
    /// Bytes resident.
    pub memory: u64,
}

/// One NVIDIA GPU; a figure that its driver does not give is None.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuSample {
    pub name: String,
    /// Share of the last sampling period in which a kernel ran, 0 to 1.
    pub used: Option<f64>,
    /// Bytes in use and in all.
    pub memory: Option<(u64, u64)>,
    /// Degrees Celsius.
    pub temperature: Option<u32>,
    /// Watts drawn and allowed.
    pub power: Option<(f64, Option<f64>)>,
}

/// Samples the machine once a second on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct HardwareMonitor {
    samples: Arc<Mutex<VecDeque<Sample>>>,
    process: Option<u32>,
    /// Dropped to end the thread.
    _alive: SyncSender<()>,
}

impl HardwareMonitor {
    /// Starts watching the machine and the training `process`; each sample wakes the window.
    pub fn start(context: &egui::Context, process: Option<u32>) -> std::io::Result<Self> {
        let samples = Arc::new(Mutex::new(VecDeque::with_capacity(KEPT)));
        let (alive, ended) = sync_channel::<()>(0);
        let (for_thread, context) = (Arc::clone(&samples), context.clone());
        std::thread::Builder::new().name("hardware".to_owned()).spawn(move || {
            let mut machine = Machine::new(process);
            // Use of the processor is a difference between two looks.
            let mut wait = sysinfo::MINIMUM_CPU_UPDATE_INTERVAL;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = INTERVAL;
                let sample = machine.look();
                let mut samples = for_thread.lock().unwrap_or_else(PoisonError::into_inner);
                if samples.len() == KEPT {
                    samples.pop_front();
                }
                samples.push_back(sample);
                drop(samples);
                context.request_repaint();
            }
        })?;
        Ok(Self { samples, process, _alive: alive })
    }

    /// The process that is watched.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// The samples so far, oldest first.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The sources of a sample.
struct Machine {
    system: Option<System>,
    /// None where NVIDIA's library is not installed; it is opened at run time.
    nvml: Option<Nvml>,
    process: Option<Pid>,
}

impl Machine {
    fn new(process: Option<u32>) -> Self {
        let nvml = Nvml::init().inspect_err(|failure| tracing::debug!("no NVIDIA figures: {failure}")).ok();
        let system = System::new().inspect_err(|failure| tracing::warn!("no processor figures: {failure}")).ok();
        let mut machine = Self { system, nvml, process: process.map(Pid::from_u32) };
        machine.refresh();
        machine
    }

    fn refresh(&mut self) {
        let Some(system) = &mut self.system else { return };
        system.refresh_cpu_usage();
        system.refresh_memory();
        if let Some(process) = self.process {
            let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), true, wanted);
        }
    }

    fn look(&mut self) -> Sample {
        self.refresh();
        let mut sample = Sample { gpus: self.gpus(), ..Sample::default() };
        if let Some(system) = &self.system {
            sample.cores = system.cpus().len();
            sample.processor = f64::from(system.global_cpu_usage()) / 100.0;
            sample.memory_used = system.used_memory();
            sample.memory_total = system.total_memory();
            let found = self.process.and_then(|process| system.process(process));
            sample.process = found.map(|process| ProcessSample {
                // Counted in cores: two busy cores are 200 %.
                processor: f64::from(process.cpu_usage()) / 100.0 / sample.cores.max(1) as f64,
                memory: process.memory(),
            });
        }
        sample
    }

    fn gpus(&self) -> Vec<GpuSample> {
        let Some(nvml) = &self.nvml else { return Vec::new() };
        let count = nvml.device_count().unwrap_or(0);
        let found = (0..count).filter_map(|index| nvml.device_by_index(index).ok());
        found
            .map(|gpu| GpuSample {
                name: gpu.name().unwrap_or_else(|_| "NVIDIA GPU".to_owned()),
                used: gpu.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
                memory: gpu.memory_info().ok().map(|memory| (memory.used, memory.total)),
                temperature: gpu.temperature(TemperatureSensor::Gpu).ok(),
                power: gpu.power_usage().ok().map(|milliwatts| {
                    let limit = gpu.enforced_power_limit().ok().map(|limit| f64::from(limit) / 1000.0);
                    (f64::from(milliwatts) / 1000.0, limit)
                }),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_and_the_machine_are_seen() {
        let mut machine = Machine::new(Some(std::process::id()));
        std::thread::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL);
        let sample = machine.look();
        assert!(sample.cores > 0);
        assert!(sample.memory_total > 0 && sample.memory_used <= sample.memory_total);
        assert!((0.0..=1.0).contains(&sample.processor));
        let process = sample.process.expect("the test's own process");
        assert!(process.memory > 1 << 20);
    }

    #[test]
    fn a_process_that_is_gone_is_left_out() {
        // Process ids end well below this on every system.
        let mut machine = Machine::new(Some(u32::MAX - 1));
        assert_eq!(machine.look().process, None);
    }
}
