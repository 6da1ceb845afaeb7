/// Every item of a paged list, one call a page: `pages!(aws, "ec2:DescribeVpcs", request, set_next_token, next_token, vpcs)`.
macro_rules! pages {
    ($aws:expr, $name:literal, $request:expr, $set:ident, $next:ident, $items:ident) => {{
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = $aws.call($name, $request.$set(token.take()).send()).await?;
            items.extend(page.$items().iter().cloned());
            token = page.$next().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                break items;
            }
        }
    }};
}

pub(crate) use pages;
