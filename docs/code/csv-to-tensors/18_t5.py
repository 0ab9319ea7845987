from tokenizers import SentencePieceUnigramTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5Config, T5Model

pieces = SentencePieceUnigramTokenizer()
pieces.train_from_iterator(
    clean.train.texts,
    vocab_size=2_000,
    special_tokens=["<pad>", "</s>", "<unk>"],
    unk_token="<unk>",
)
pieces.post_processor = TemplateProcessing(
    single="$A </s>", special_tokens=[("</s>", 1)]
)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=pieces._tokenizer,
    pad_token="<pad>",
    eos_token="</s>",
    unk_token="<unk>",
)
tokenizer.save_pretrained("models/t5")
size = pieces.get_vocab_size()
config = T5Config(
    vocab_size=size, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2
)
T5Model(config).save_pretrained("models/t5")

t5 = tg.open_encoder("models/t5")
print(t5.tokenize("Climate change is real"))
print(t5.states(["Climate change is real"]))
