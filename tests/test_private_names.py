"""What textgraft relies on in other libraries beyond what they promise: a new release that breaks it fails here first.

Each test names the file that relies on it. Names that are documented are not listed.
"""

from __future__ import annotations

import csv
import inspect
import json
import platform
from ast import literal_eval
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


def relied_on(file: str, what: str) -> str:
    return f"src/textgraft/{file} relies on this: {what}"


def test_fused_adamw_divides_by_grad_scale_and_names_its_state() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    start, gradient = torch.randn(7, 3), torch.randn(7, 3)
    plain, fused = (torch.nn.Parameter(start.clone()) for _ in range(2))
    theirs = torch.optim.AdamW([plain], lr=0.1, weight_decay=0.1)
    ours = torch.optim.AdamW([fused], lr=0.1, weight_decay=0.1, fused=True)
    for number in range(3):
        plain.grad, fused.grad = gradient / (4 + number), gradient.clone()
        ours.grad_scale, ours.found_inf = torch.tensor(4.0 + number), torch.tensor(0.0)
        theirs.step()
        ours.step()
    message = relied_on("training/optimizer.py", "fused AdamW divides gradients by its attribute grad_scale")
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-6, msg=message)
    (state,) = ours.state_dict()["state"].values()
    assert state.keys() == {"step", "exp_avg", "exp_avg_sq"}, relied_on("training/optimizer.py", "checkpoints hold it")


def test_the_gradient_of_softmax_has_a_kernel_of_its_own() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    scores = torch.randn(4, 5, 6, requires_grad=True)
    upstream = torch.randn(4, 5, 6)
    weights = scores.softmax(-1)
    (expected,) = torch.autograd.grad(weights, scores, upstream)
    found = torch._softmax_backward_data(upstream, weights.detach(), -1, torch.float32)
    torch.testing.assert_close(found, expected, msg=relied_on("finetuning/cpu.py", "torch._softmax_backward_data"))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_recurrent_layers_are_functions_too(kind: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](3, 4)
    x, start = torch.randn(5, 2, 3), torch.zeros(1, 2, 4)
    state = (start, start) if kind == "lstm" else start
    how = (True, 1, 0.0, True, False, False)
    found = getattr(torch, kind)(x, state, [weight for _, weight in layer.named_parameters()], *how)[0]
    torch.testing.assert_close(found, layer(x)[0], msg=relied_on("recurrent/cells.py", f"torch.{kind} is nn's layer"))


def test_processors_tell_whether_they_multiply_bf16() -> None:
    torch = pytest.importorskip("torch")
    names = {"x86_64": {"avx512_bf16", "amx_bf16"}, "AMD64": {"avx512_bf16", "amx_bf16"}, "aarch64": {"arm_bf16"}}
    known = set(torch.cpu.get_capabilities())
    assert known >= names.get(platform.machine(), set()), relied_on("hardware.py", "keys of torch.cpu.get_capabilities")


def test_exported_nodes_say_which_module_they_are_of(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from textgraft.runtimes.conversion.libraries import quiet

    class Network(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False))

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    with quiet():
        model = torch.onnx.export(Network(), (torch.ones(2, 3),), dynamo=True, verbose=False).model_proto
    (product,) = (node for node in model.graph.node if node.op_type in ("MatMul", "Gemm"))
    notes = {note.key: note.value for note in product.metadata_props}
    message = relied_on("runtimes/conversion/onnx_files.py", "the note pkg.torch.onnx.name_scopes, a list of modules")
    scopes = literal_eval(notes.get("pkg.torch.onnx.name_scopes", "[]"))
    assert scopes[-2:-1] == ["inner.0"], message


def test_transformers_layers_have_the_parts_that_one_token_is_computed_with() -> None:
    pytest.importorskip("torch")
    from transformers import BertConfig, DistilBertConfig, ElectraConfig, RobertaConfig, XLMRobertaConfig
    from transformers.models.bert.modeling_bert import BertLayer
    from transformers.models.distilbert.modeling_distilbert import TransformerBlock
    from transformers.models.electra.modeling_electra import ElectraLayer
    from transformers.models.roberta.modeling_roberta import RobertaLayer
    from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

    for kind, config in (
        (BertLayer, BertConfig),
        (ElectraLayer, ElectraConfig),
        (RobertaLayer, RobertaConfig),
        (XLMRobertaLayer, XLMRobertaConfig),
    ):
        layer = kind(config(hidden_size=8, num_attention_heads=2, intermediate_size=8))
        message = relied_on("finetuning/cpu.py", f"parts of {kind.__name__}")
        assert {"query", "key", "value", "dropout"} <= dict(layer.attention.self.named_children()).keys(), message
        assert layer.attention.self.attention_head_size == 4, message
        assert layer.attention.self.scaling == pytest.approx(0.5), message
        assert list(inspect.signature(layer.attention.output.forward).parameters) == ["hidden_states", "input_tensor"]
        assert list(inspect.signature(layer.feed_forward_chunk).parameters) == ["attention_output"], message
    block = TransformerBlock(DistilBertConfig(dim=8, n_heads=2, hidden_dim=8))
    message = relied_on("finetuning/cpu.py", "parts of DistilBERT's TransformerBlock")
    assert {"sa_layer_norm", "ffn", "output_layer_norm", "attention"} <= dict(block.named_children()).keys(), message
    assert {"q_lin", "k_lin", "v_lin", "out_lin", "dropout"} <= dict(block.attention.named_children()).keys(), message
    assert (block.attention.attention_head_size, block.attention.scaling) == (4, pytest.approx(0.5)), message


def test_an_attention_of_ones_own_is_called_as_those_of_transformers(tiny_encoder: Path) -> None:
    torch = pytest.importorskip("torch")
    from transformers import AttentionInterface, AttentionMaskInterface, AutoModel
    from transformers.masking_utils import eager_mask

    seen: dict[str, Any] = {}

    def attention(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **more: Any) -> Any:
        seen.update(more, shapes=[query.shape, key.shape, value.shape], mask=attention_mask)
        return query.transpose(1, 2), None

    AttentionInterface.register("textgraft_test", attention)
    AttentionMaskInterface.register("textgraft_test", eager_mask)
    network = AutoModel.from_pretrained(tiny_encoder).eval()
    network.set_attn_implementation("textgraft_test")
    network(input_ids=torch.tensor([[2, 5, 3], [2, 3, 0]]), attention_mask=torch.tensor([[1, 1, 1], [1, 1, 0]]))
    message = relied_on("finetuning/cpu.py", "how transformers calls an attention, and the mask of eager_mask")
    assert seen["shapes"] == [(2, 4, 3, 8)] * 3, message
    assert seen.keys() >= {"dropout", "scaling"}, message
    assert seen["mask"].shape == (2, 1, 3, 3), message
    assert (seen["mask"][1, 0, :, 2] < -1e30).all(), message
    assert not seen["mask"][0].any(), message


def test_transformers_says_what_it_did_not_find_in_the_files(tiny_encoder: Path) -> None:
    pytest.importorskip("torch")
    from transformers import AutoModel, BertConfig

    from textgraft.encoders.loading import without_chatter

    config = BertConfig.from_pretrained(tiny_encoder, num_hidden_layers=3, vocab_size=50)
    with without_chatter():
        _, report = AutoModel.from_pretrained(
            tiny_encoder, config=config, output_loading_info=True, ignore_mismatched_sizes=True
        )
    message = relied_on("encoders/loading.py", "missing_keys and mismatched_keys of output_loading_info")
    assert any(key.startswith("encoder.layer.2.") for key in report["missing_keys"]), message
    assert [key for key, *_ in report["mismatched_keys"]] == ["embeddings.word_embeddings.weight"], message


def test_families_are_called_what_transformers_calls_them() -> None:
    pytest.importorskip("torch")
    from transformers import CONFIG_MAPPING, MODEL_FOR_TEXT_ENCODING_MAPPING, PreTrainedModel

    from textgraft.encoders.loading import ENCODER_HALVES
    from textgraft.encoders.sources import COUNT_FROM_PADDING
    from textgraft.finetuning.cpu import FAMILIES

    for name in ENCODER_HALVES:
        kind = MODEL_FOR_TEXT_ENCODING_MAPPING[CONFIG_MAPPING[name]]
        assert kind.__name__.endswith("EncoderModel"), relied_on("encoders/loading.py", f"{name} has an encoder half")
    assert set(CONFIG_MAPPING.keys()) >= FAMILIES, relied_on("finetuning/cpu.py", "the names of families")
    assert set(CONFIG_MAPPING.keys()) >= COUNT_FROM_PADDING, relied_on("encoders/sources.py", "the names of families")
    assert PreTrainedModel._supports_sdpa is False, relied_on("finetuning/loading.py", "_supports_sdpa is a class's")


def test_panics_of_tokenizers_are_called_so() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": None, "decoder": None,
        "post_processor": {
            "type": "TemplateProcessing", "pair": [], "special_tokens": {},
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        },
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
    }  # fmt: skip
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        tokenizers.Tokenizer.from_str(json.dumps(content)).encode("a")
    name = type(caught.value).__name__
    message = relied_on("encoders/tokenizing.py", "what is no Exception is called PanicException")
    assert isinstance(caught.value, Exception) or name == "PanicException", message


def test_scikit_learn_asks_for_metadata_and_copies_what_was_asked_for() -> None:
    sklearn = pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

    from textgraft import NgramClassifier

    with sklearn.config_context(enable_metadata_routing=True):
        asking = NgramClassifier().set_score_request(sample_weight=True)
        copied = get_routing_for_object(clone(asking))
    message = relied_on("methods/estimator.py", "clone copies _metadata_request, and requests have fit and score")
    assert isinstance(copied, MetadataRequest), message
    assert copied.score.requests == {"sample_weight": True}, message
    assert copied.fit.requests["valid"] is None, message


def test_adapters_of_peft_are_named_lora_and_mark_the_network() -> None:
    peft = pytest.importorskip("peft")
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Linear(3, 2))
    plain = network[0]
    peft.inject_adapter_in_model(peft.LoraConfig(target_modules=["0"]), network)
    message = relied_on("finetuning/trainable.py", "peft_config, names with .lora_, merge and get_base_layer")
    assert hasattr(network, "peft_config"), message
    assert sum(".lora_" in name for name, _ in network.named_parameters()) == 2, message
    network[0].merge()
    assert network[0].get_base_layer() is plain, message


def test_openvino_calls_its_properties_so() -> None:
    from textgraft.extras import library

    if not find_spec("openvino"):
        pytest.skip("needs OpenVINO")
    properties = library("openvino", "This test", "openvino").properties
    for name, found in (
        ("OPTIMIZATION_CAPABILITIES", properties.device.capabilities()),
        ("INFERENCE_PRECISION_HINT", properties.hint.inference_precision()),
        ("PERFORMANCE_HINT", properties.hint.performance_mode()),
        ("INFERENCE_NUM_THREADS", properties.inference_num_threads()),
    ):
        assert found == name, relied_on("runtimes/openvino_runtime.py", f"the property {name}")


def test_onnx_runtime_leaves_outputs_of_products_unquantised_when_it_is_told() -> None:
    quantization = pytest.importorskip("onnxruntime.quantization")
    message = relied_on("runtimes/conversion/quantising.py", "the extra option OpTypesToExcludeOutputQuantization")
    assert "OpTypesToExcludeOutputQuantization" in str(quantization.quantize_static.__doc__), message


def test_a_hub_that_does_not_answer_is_an_error_of_httpx() -> None:
    hub = pytest.importorskip("huggingface_hub")
    with pytest.raises(Exception) as caught:  # noqa: PT011
        hub.HfApi(endpoint="http://127.0.0.1:9").model_info("a/b", timeout=5)
    message = relied_on("artifact/hub.py", "errors of the connection come from a package whose name begins with httpx")
    assert type(caught.value).__module__.startswith("httpx"), message


@pytest.mark.parametrize(
    ("line", "said"), [('"a', "unexpected end"), ('"a"b,c', "expected after"), ("a\rb\n", "new-line")]
)
def test_pythons_csv_reader_says_what_is_wrong_in_these_words(line: str, said: str) -> None:
    with pytest.raises(csv.Error) as caught:
        list(csv.reader([line], strict=True))
    assert said in str(caught.value), relied_on("data/readers/records.py", f"csv's words {said!r}")
