from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from textgraft.encoders import EncoderFiles, TextTokenizer, resolve
from textgraft.errors import EncoderError, MissingExtraError, SettingError
from textgraft.finetuning.loading import load_with_head
from textgraft.finetuning.trainable import Trained, check_trained, choose_trained, depths, layers_of, merge_adapters
from textgraft.task import Task
from textgraft.text.batches import pad

from ..encoders.families import FAMILIES, save_family

torch = pytest.importorskip("torch")

TASK = Task(("bad", "good", "neither"))
TEXTS = ["the film was good", "a bad bad book and a not so good film", "goal", "", "an unknown game of words"]
LAYER = re.compile(r"\.(?:layer|layers|block)\.(\d+)\.")


@pytest.fixture(scope="module", params=[name for name in FAMILIES if name != "mt5"])  # mt5 is t5 by another name
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    """The encoder of a family, saved bare."""
    return resolve(str(save_family(request.param, tmp_path_factory.mktemp(request.param))))


def load(files: EncoderFiles, seed: int = 0, dropout: float | None = None, task: Task = TASK) -> Any:
    return load_with_head(files, task, seed, dropout).eval()


def logits(network: Any, files: EncoderFiles, texts: list[str] = TEXTS) -> torch.Tensor:
    tokenizer = TextTokenizer(files)
    ids, mask = pad(tokenizer.windows(texts, 64, "truncate").ids, tokenizer.pad_id)
    attention = None if mask is None else torch.from_numpy(mask)
    result: torch.Tensor = network(input_ids=torch.from_numpy(ids), attention_mask=attention).logits
    return result


def names(network: Any) -> set[str]:
    return {name for name, _ in network.named_parameters()}


def head_names(network: Any) -> set[str]:
    encoder = f"{network.base_model_prefix}."
    return {name for name in names(network) if not name.startswith(encoder) or ".pooler." in name}


def save(network: Any, files: EncoderFiles, folder: Path) -> EncoderFiles:
    network.save_pretrained(folder)
    TextTokenizer(files).save(folder / "tokenizer.json")
    return resolve(str(folder))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "pretraining head"])
def test_the_encoder_comes_from_the_files_and_the_head_from_the_seed(name: str, bare: bool, tmp_path: Path) -> None:
    files = resolve(str(save_family(name, tmp_path, bare=bare)))
    network = load(files, seed=0)
    first, same, other = network.state_dict(), load(files, seed=0).state_dict(), load(files, seed=1).state_dict()
    assert all(torch.equal(first[key], same[key]) for key in first)
    differ = {key for key in first if not torch.equal(first[key], other[key])}
    assert differ
    assert differ <= head_names(network)
    assert torch.isfinite(logits(network, files)).all()
    assert not any("decoder" in key for key in first)


def test_weights_that_are_missing_in_a_layer_are_refused(files: EncoderFiles, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(files.weights()[0])
    lost = next(key for key, weight in weights.items() if "layer" in key + ".block" and weight.dim() == 2)
    (tmp_path / "config.json").write_text((files.folder / "config.json").read_text("utf-8"), "utf-8")
    save_file({key: weight for key, weight in weights.items() if key != lost}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match=re.escape(lost)):
        load(resolve(str(tmp_path)))


def test_neighbours_and_padding_change_no_logit(files: EncoderFiles) -> None:
    network = load(files)
    with torch.no_grad():
        together = logits(network, files)
        alone = torch.cat([logits(network, files, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert torch.pdist(together).min() > 5e-4


@pytest.mark.parametrize("trained", ["all", "head", "lora", 1])
def test_a_backward_step_reaches_exactly_what_is_trained(files: EncoderFiles, trained: Trained) -> None:
    network = load(files)
    before = names(network)
    last = max(int(found[1]) for found in map(LAYER.search, before) if found)
    chosen = {
        "all": before,
        "head": head_names(network),
        "lora": head_names(network),
        1: head_names(network)
        | {name for name in before if (found := LAYER.search(name)) and int(found[1]) == last}
        | {name for name in before if "final_norm" in name or "final_layer_norm" in name},
    }[trained]
    assert choose_trained(network, trained, "x") is network
    logits(network, files).square().sum().backward()
    reached = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    adapters = {name for name in reached if "lora_" in name}
    assert reached - adapters == chosen
    layers = {int(found[1]) for found in map(LAYER.search, adapters) if found}
    assert layers == (set(range(last + 1)) if trained == "lora" else set())


def test_adapters_start_without_effect_and_merging_keeps_theirs(files: EncoderFiles, tmp_path: Path) -> None:
    network = load(files)
    with torch.no_grad():
        plain = logits(network, files)
        choose_trained(network, "lora", "x")
        torch.testing.assert_close(logits(network, files), plain, atol=1e-6, rtol=0)
        for name, parameter in network.named_parameters():
            if "lora_B" in name:
                parameter.add_(torch.linspace(-0.5, 0.5, parameter.numel()).view_as(parameter))
        adapted = logits(network, files)
        merged = merge_adapters(network)
        assert (adapted - plain).abs().max() > 1e-4
        torch.testing.assert_close(logits(merged, files), adapted, atol=1e-4, rtol=0)
        again = load(save(merged, files, tmp_path), seed=7)
        assert names(again) == names(load(files))
        assert torch.equal(logits(again, files), logits(merged, files))


def test_a_saved_network_reads_back_exactly(files: EncoderFiles, tmp_path: Path) -> None:
    network = load(files)
    with torch.no_grad():
        for i, parameter in enumerate(network.parameters()):
            parameter.add_(0.001 * i)
        saved = save(network, files, tmp_path)
        again = load(saved, seed=7)
        assert torch.equal(logits(again, saved), logits(network, files))
    assert all(torch.equal(weight, again.state_dict()[key]) for key, weight in network.state_dict().items())
    assert again.config.id2label == {0: "bad", 1: "good", 2: "neither"}


def test_a_head_for_other_labels_gives_way_to_a_new_one(files: EncoderFiles, tmp_path: Path) -> None:
    saved = save(load(files), files, tmp_path)
    assert logits(load(saved, task=Task(("a", "b", "c", "d"), multi_label=True)), files).shape == (len(TEXTS), 4)


def test_dropout_of_zero_trains_what_is_predicted_with(files: EncoderFiles) -> None:
    still, noisy = load(files, dropout=0.0), load(files, dropout=0.5)
    with torch.no_grad():
        assert torch.equal(logits(still.train(), files), logits(still.eval(), files))
        assert not torch.equal(logits(noisy.train(), files), logits(noisy.train(), files))
        assert torch.equal(logits(noisy.eval(), files), logits(still, files))
    rates = {module.p for module in noisy.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {0.5}


def test_a_new_embedding_table_is_the_one_that_is_looked_up(files: EncoderFiles) -> None:
    network = load(files)
    old = network.get_input_embeddings()
    turned = torch.nn.Embedding.from_pretrained(old.weight.detach().flip(0), freeze=False)
    tokenizer = TextTokenizer(files)
    ids = torch.from_numpy(tokenizer.windows(TEXTS[:1], 64, "truncate").ids[0].astype("int64"))[None]
    with torch.no_grad():
        before = network(input_ids=ids).logits
        network.set_input_embeddings(turned)
        assert network.get_input_embeddings() is turned
        torch.testing.assert_close(network(input_ids=old.num_embeddings - 1 - ids).logits, before)


def test_depth_counts_from_the_head_down(files: EncoderFiles) -> None:
    network = load(files)
    depth = depths(network)
    layers = layers_of(network)
    assert set(depth) == names(network)
    assert {depth[name] for name in head_names(network)} == {0}
    for name, value in depth.items():
        if found := LAYER.search(name):
            assert value == len(layers) - int(found[1])
    table = network.get_input_embeddings().weight
    assert [depth[name] for name, parameter in network.named_parameters() if parameter is table] == [len(layers) + 1]
    rest = {value for name, value in depth.items() if not LAYER.search(name) and name not in head_names(network)}
    assert rest <= {0, len(layers) + 1}


def test_more_layers_than_there_are_is_a_sentence(files: EncoderFiles) -> None:
    network = load(files)
    layers = len(layers_of(network))
    choose_trained(network, layers, "tiny")
    with pytest.raises(EncoderError, match=rf"'tiny' has {layers} layers; trained=8 asks for more\. Give a number"):
        choose_trained(network, 8, "tiny")


@pytest.fixture
def bert(tmp_path: Path) -> EncoderFiles:
    return resolve(str(save_family("bert", tmp_path / "bert")))


def test_no_dropout_given_keeps_the_encoders_own(bert: EncoderFiles) -> None:
    assert {module.p for module in load(bert).modules() if isinstance(module, torch.nn.Dropout)} == {0.1}


def test_adapters_depend_on_their_seed_alone(bert: EncoderFiles) -> None:
    def first_weights(seed: int) -> torch.Tensor:
        network = choose_trained(load(bert), "lora", "x", seed=seed)
        return torch.cat([p.detach().flatten() for name, p in network.named_parameters() if "lora_A" in name])

    state = torch.random.get_rng_state()
    one = first_weights(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(3)
    assert torch.equal(one, first_weights(1))
    assert not torch.equal(one, first_weights(2))


def test_merging_leaves_a_network_without_adapters_alone(bert: EncoderFiles) -> None:
    network = load(bert)
    before = names(network)
    assert merge_adapters(network) is network
    assert names(network) == before


def test_adapters_without_peft_say_what_to_install(bert: EncoderFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"textgraft\[adapters\]"):
        choose_trained(load(bert), "lora", "x")


def test_an_encoder_that_uses_one_layer_many_times_has_no_last_layers(bert: EncoderFiles, tmp_path: Path) -> None:
    from transformers import AlbertConfig, AlbertModel

    config = AlbertConfig(
        vocab_size=30, embedding_size=16, hidden_size=32, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=64,
    )  # fmt: skip
    AlbertModel(config).save_pretrained(tmp_path / "albert")
    TextTokenizer(bert).save(tmp_path / "albert" / "tokenizer.json")
    files = resolve(str(tmp_path / "albert"))
    with pytest.raises(EncoderError, match="no list of 4 layers, so they cannot be trained one by one; train 'all'"):
        choose_trained(load(files), 1, "x")
    network = choose_trained(load(files), "head", "x")
    logits(network, files).sum().backward()
    assert {name for name, parameter in network.named_parameters() if parameter.grad is not None} == head_names(network)


@pytest.mark.parametrize("value", ["all", "head", "lora", 1, 12])
def test_what_can_be_trained(value: object) -> None:
    check_trained(value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("heads", r"got 'heads'\. Did you mean 'head'\?"),
        (0, "at least 1; got 0"),
        (True, "got True"),
        (2.0, r"got 2\.0"),
        (None, "trained must be 'all', 'head', 'lora', or how many of the last layers"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        check_trained(value)


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_dropout_is_a_share(bert: EncoderFiles, value: float) -> None:
    with pytest.raises(SettingError, match="dropout must be at least 0 and below 1"):
        load(bert, dropout=value)
