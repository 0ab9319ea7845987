textgraft predict models/emotions "They cancelled the concert again, what a disgrace"
