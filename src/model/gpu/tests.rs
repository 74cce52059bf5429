//! The GPU's engine and kernels on the processor, against the processor's engine.

use super::check::{check, distance, largest_difference, parameters, tolerance};
use super::emulator::Emulator;
use super::*;
use crate::model::engine::Engine;

/// The shape of a model and the lengths of a batch's rows.
struct Case {
    hidden: usize,
    heads: usize,
    layers: usize,
    inner: usize,
    lengths: &'static [usize],
}

const CASES: [Case; 6] = [
    // One token; widths that are no multiples of anything.
    Case { hidden: 3, heads: 1, layers: 1, inner: 5, lengths: &[1] },
    Case { hidden: 15, heads: 5, layers: 2, inner: 7, lengths: &[3, 1, 9] },
    // Four numbers at once; more queries than a block has, and keys that do not fill the last.
    Case { hidden: 16, heads: 2, layers: 2, inner: 12, lengths: &[67, 5, 130] },
    Case { hidden: 128, heads: 2, layers: 1, inner: 16, lengths: &[33, 64] },
    Case { hidden: 100, heads: 1, layers: 1, inner: 8, lengths: &[40] },
    Case { hidden: 48, heads: 16, layers: 2, inner: 20, lengths: &[17, 18] },
];

impl Case {
    fn config(&self) -> BertConfig {
        BertConfig {
            vocab_size: 23,
            hidden_size: self.hidden,
            num_attention_heads: self.heads,
            num_hidden_layers: self.layers,
            intermediate_size: self.inner,
            max_position_embeddings: 160,
            hidden_dropout_prob: 0.2,
            attention_probs_dropout_prob: 0.3,
            layer_norm_eps: 1e-3,
            ..BertConfig::default()
        }
    }

    fn batch(&self) -> Batch {
        let length = self.lengths.iter().copied().max().unwrap();
        let slots = self.lengths.len() * length;
        Batch {
            rows: self.lengths.len(),
            length,
            lengths: self.lengths.to_vec(),
            ids: (0..slots).map(|slot| (slot * 5 % 23) as u32).collect(),
            type_ids: (0..slots).map(|slot| (slot % 3 / 2) as u32).collect(),
        }
    }
}

struct Both {
    emulator: Arc<Emulator>,
    layout: Arc<Layout>,
    values: Vec<f32>,
    parameters: DeviceParameters<Emulator>,
    gpu: GpuEngine<Emulator>,
    engine: Engine,
}

impl Both {
    fn new(emulator: Emulator, case: &Case, precision: Precision) -> Self {
        let (emulator, config) = (Arc::new(emulator), case.config());
        let layout = Arc::new(Layout::new(&config));
        let values = parameters(&layout);
        let mut parameters = DeviceParameters::zeros(emulator.clone(), layout.clone(), Some(precision)).unwrap();
        parameters.write(0..layout.length(), &values).unwrap();
        let gpu = GpuEngine::new(emulator.clone(), &config, &layout, precision).unwrap();
        let engine = Engine::new(&config, &layout, precision).unwrap();
        Self { emulator, layout, values, parameters, gpu, engine }
    }
}

#[test]
fn logits_and_gradients_are_the_processors() {
    let Some(emulator) = Emulator::get() else { return };
    for (number, case) in CASES.iter().enumerate() {
        assert!(GpuEngine::<Emulator>::can(&case.config()));
        for precision in [Precision::F32, Precision::Bf16] {
            let found = largest_difference(&Arc::new(emulator), &case.config(), &case.batch(), precision).unwrap();
            assert!(found.size < tolerance(precision), "case {number} in {precision:?}: {found:?}");
        }
    }
}

#[test]
fn shapes_without_kernels_are_known() {
    let config =
        |hidden_size, num_attention_heads| BertConfig { hidden_size, num_attention_heads, ..BertConfig::default() };
    let can = |config| GpuEngine::<Emulator>::can(&config);
    assert!(can(config(768, 12)) && can(config(MAX_HIDDEN, MAX_HIDDEN / MAX_HEAD_WIDTH)));
    assert!(!can(config(768, 4)) && !can(config(MAX_HIDDEN + 128, 32)));
}

#[test]
fn the_check_at_the_start_passes() {
    let Some(emulator) = Emulator::get() else { return };
    check(&Arc::new(emulator), Precision::Bf16).unwrap();
}

#[test]
fn a_step_is_the_processors() {
    let Some(emulator) = Emulator::get() else { return };
    let case = &CASES[2];
    let batch = case.batch();
    for precision in [Precision::F32, Precision::Bf16] {
        let mut both = Both::new(emulator, case, precision);
        let all = 0..both.layout.length();
        let mut gradient = both.parameters.zeros_like().unwrap();
        let [mut first, mut second] = [0; 2].map(|_| both.parameters.zeros_like().unwrap());
        let decays = |name: &str| name.ends_with("dense.weight");
        let mut optimizer = DeviceOptimizer::new(both.emulator.clone(), &both.layout, decays).unwrap();
        let target = Target { labels: &[1, 0, 1], shares: [0.2, 0.4] };
        both.gpu.learn(&both.parameters, &batch, None, target, &optimizer, &mut gradient).unwrap();
        let factors = StepFactors { decay: 0.9, step: 0.01 / (1.0 - 0.9), root_correction: (1.0_f64 - 0.999).sqrt() };
        optimizer.step(&mut both.parameters, &gradient, [&mut first, &mut second], 1.0, factors).unwrap();
        let found = optimizer.findings().unwrap();
        assert_eq!(found.len(), 1);
        let [loss, norm] = found[0];

        let logits = both.gpu.logits(&both.parameters, &batch).unwrap();
        let mut expected_loss = 0.0;
        let mut before = vec![0.0; both.layout.length()];
        both.engine.backpropagate(
            &both.values,
            &batch,
            None,
            &mut |logits| {
                (logits.iter().zip(target.labels))
                    .map(|(logits, &label)| {
                        let label = usize::from(label);
                        let margin = f64::from(logits[1 - label] - logits[label]);
                        expected_loss += target.shares[label] * margin.exp().ln_1p();
                        let slope = (target.shares[label] / (1.0 + (-margin).exp())) as f32;
                        if label == 0 { [-slope, slope] } else { [slope, -slope] }
                    })
                    .collect()
            },
            &mut before,
        );
        let expected_norm = before.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        assert!((loss / expected_loss - 1.0).abs() < tolerance(precision), "{loss} {expected_loss}");
        assert!((norm / expected_norm - 1.0).abs() < tolerance(precision), "{norm} {expected_norm}");
        // The first step moves each parameter by the learning rate, against its gradient's sign.
        let (gradient, after) = (gradient.read(all.clone()).unwrap(), both.parameters.read(all.clone()).unwrap());
        for segment in both.layout.segments() {
            let decay = if decays(&segment.name) { 0.9 } else { 1.0 };
            for place in segment.range.clone().filter(|&place| gradient[place].abs() > 1e-4) {
                let expected = both.values[place] * decay - 0.01 * gradient[place].signum();
                assert!((after[place] - expected).abs() < 1e-4, "{} {place}", segment.name);
            }
        }
        // The narrow copy is that of the new parameters.
        let fresh = both.engine.logits(&after, &batch);
        let off = distance(logits.as_flattened(), fresh.as_flattened(), 0.0);
        assert!(off < tolerance(precision), "{off}");

        // What is not finite changes nothing.
        let mut broken = both.parameters.zeros_like().unwrap();
        broken.write(1..2, &[f32::INFINITY]).unwrap();
        broken.clear().unwrap();
        broken.write(0..1, &[f32::NAN]).unwrap();
        optimizer.step(&mut both.parameters, &broken, [&mut first, &mut second], 1.0, factors).unwrap();
        let found = optimizer.findings().unwrap();
        assert_eq!((found.len(), found[0]), (2, [loss, norm]));
        assert!(found[1][1].is_nan());
        optimizer.forget().unwrap();
        assert!(optimizer.findings().unwrap().is_empty());
        assert_eq!(both.parameters.read(all).unwrap(), after);
    }
}
